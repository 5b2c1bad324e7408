// From a Prometheus' answers to the frames that a panel gets, as Grafana's data source makes them.
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  FieldConfigOptionsRegistry,
  FieldType,
  getFieldDisplayName,
  identityOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
  type DataFrame,
  type Field,
  type GrafanaTheme2,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';
import type { Answer, Panel, Series, Target } from './model';

const number = (text: string) => (/Inf$/.test(text) ? (text[0] === '-' ? -Infinity : Infinity) : parseFloat(text));

/** The name that legendFormat gives a series; undefined where Grafana makes one from its labels. */
function legend(target: Target, labels: Record<string, string>): string | undefined {
  const format = target.legendFormat || '';
  if (format === '__auto') {
    return Object.keys(labels).length ? undefined : target.expr;
  }
  if (!format) {
    const { __name__: name = '', ...rest } = labels;
    const inner = Object.entries(rest).map(([key, value]) => `${key}="${value}"`).join(', ');
    return inner || !name ? `${name}{${inner}}` : name;
  }
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

function frame(target: Target, series: Series, step: number): DataFrame {
  const labels = { ...series.metric };
  const name = legend(target, labels);
  const time: Field = {
    name: 'Time',
    type: FieldType.time,
    config: { interval: step },
    values: series.values.map(([at]) => at * 1000),
  };
  const value: Field = {
    name: labels.__name__ ?? 'Value',
    type: FieldType.number,
    labels,
    config: name === undefined ? {} : { displayNameFromDS: name },
    values: series.values.map(([, text]) => number(text)),
  };
  return { refId: target.refId, name, fields: [time, value], length: series.values.length };
}

/** One table a query: time, each label of any series by name, value. Several queries number their values. */
function table(target: Target, frames: DataFrame[], several: boolean): DataFrame {
  const names: string[] = [];
  for (const { fields } of frames) {
    names.push(...Object.keys(fields[1].labels ?? {}).sort().filter((name) => !names.includes(name)));
  }
  const rows = frames.flatMap(({ fields: [time, value] }) =>
    time.values.map((at, index) => ({ at, value: value.values[index], labels: value.labels ?? {} }))
  );
  const column = (name: string, type: FieldType, values: any[], config = {}): Field => ({ name, type, config, values });
  return {
    refId: target.refId,
    length: rows.length,
    fields: [
      column('Time', FieldType.time, rows.map((row) => row.at), { interval: frames[0].fields[0].config.interval }),
      ...names.map((name) =>
        column(name, FieldType.string, rows.map((row) => row.labels[name] ?? ''), { filterable: true })
      ),
      column(several ? `Value #${target.refId}` : 'Value', FieldType.number, rows.map((row) => row.value)),
    ],
  };
}

/** All frames of a panel, before its transformations. A query without series gives no frame. */
export function framesOf(panel: Panel, answers: Record<string, Answer>): DataFrame[] {
  const targets = (panel.targets ?? []).filter((target) => answers[target.refId]?.series.length);
  const all = targets.map((target) => {
    const { series, step } = answers[target.refId];
    return { target, frames: series.map((one) => frame(target, one, step)) };
  });
  const graphs = all.filter(({ target }) => target.format !== 'table').flatMap(({ frames }) => frames);
  for (const one of graphs) {
    const value = one.fields[1];
    if (!value.config.displayNameFromDS && value.labels?.__name__ === value.name) {
      value.config.displayNameFromDS = getFieldDisplayName({ ...value, name: 'Value' }, one, graphs);
    }
  }
  const tables = all.filter(({ target }) => target.format === 'table');
  return [...graphs, ...tables.map(({ target, frames }) => table(target, frames, tables.length > 1))];
}

standardTransformersRegistry.setInit(() =>
  // Some are listed twice, under an old name.
  [...new Map(Object.values(standardTransformers).map((one: any) => [one.id, one])).values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
    editor: () => null,
    imageDark: '',
    imageLight: '',
  }))
);

// What Grafana sets where a panel's JSON says nothing.
const CUSTOM: Record<string, object> = {
  timeseries: { lineWidth: 1, pointSize: 5, barWidthFactor: 0.6, barAlignment: 0, axisPlacement: 'auto' },
  table: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false },
  'state-timeline': { lineWidth: 0, fillOpacity: 70, spanNulls: false },
};

/** Grafana's registry of settings belongs to its application; this one knows what the panel sets. */
function registry(panel: Panel): FieldConfigOptionsRegistry {
  const { defaults, overrides } = panel.fieldConfig;
  const custom = Object.keys({ ...CUSTOM[panel.type], ...(defaults.custom ?? {}) }).map((key) => `custom.${key}`);
  const set = overrides.flatMap((rule) => rule.properties.map((property) => property.id));
  const ids = new Set([...Object.keys(defaults).filter((key) => key !== 'custom'), ...custom, ...set]);
  return new FieldConfigOptionsRegistry(() =>
    [...ids].map((id) => ({
      id,
      name: id,
      path: id.replace(/^custom\./, ''),
      isCustom: id.startsWith('custom.'),
      process: identityOverrideProcessor,
      shouldApply: () => true,
      override: () => null,
      editor: () => null,
      settings: {},
    })) as any
  );
}

/** The frames that the panel draws: transformed, then with units, colours, texts and links of the panel's JSON. */
export async function prepared(panel: Panel, answers: Record<string, Answer>, theme: GrafanaTheme2) {
  const data = await firstValueFrom(transformDataFrame(panel.transformations ?? [], framesOf(panel, answers)));
  const { defaults, overrides } = panel.fieldConfig;
  const fields = applyFieldOverrides({
    data,
    fieldConfig: { overrides, defaults: { ...defaults, custom: { ...CUSTOM[panel.type], ...defaults.custom } } },
    fieldConfigRegistry: registry(panel),
    replaceVariables: (text) => text,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(fields);
  return fields;
}
