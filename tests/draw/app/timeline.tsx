// The state timeline. Grafana does not publish its component, so its bars are drawn here, on Grafana's own plot. Colours and
// texts come from Grafana's display processors, which Grafana's component asks as well. Of its behaviour this has what decides
// about colours: in colour mode "thresholds", merged values stand for their threshold, and mappings are not asked.
import {
  applyNullInsertThreshold,
  FieldType,
  getActiveThreshold,
  getFieldDisplayName,
  type DataFrame,
  type Field,
  type GrafanaTheme2,
  type TimeRange,
} from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder } from '@grafana/ui';
import { useMemo } from 'react';
import uPlot from 'uplot';
import type { Panel } from './model';

interface Bar {
  begin: number;
  end: number;
  color: string;
  state: string;
}

function look(field: Field, value: number, merge: boolean, theme: GrafanaTheme2): { color: string; state: string } {
  const { color, thresholds } = field.config;
  if (merge && color?.mode === 'thresholds' && thresholds?.steps.length) {
    const step = getActiveThreshold(value, thresholds.steps);
    return { color: theme.visualization.getColorByName(step.color), state: `threshold ${step.value}` };
  }
  const shown = field.display!(value);
  return { color: shown.color ?? theme.visualization.getColorByName('gray'), state: shown.text };
}

function bars(frame: DataFrame, field: Field, range: TimeRange, merge: boolean, theme: GrafanaTheme2): Bar[] {
  const end = range.to.valueOf();
  const filled = applyNullInsertThreshold({ frame, refFieldPseudoMin: range.from.valueOf(), refFieldPseudoMax: end });
  const times = filled.fields.find((one) => one.type === FieldType.time)!.values;
  const values = filled.fields[frame.fields.indexOf(field)].values;
  const found: Bar[] = [];
  values.forEach((value, index) => {
    if (value === null || value === undefined || Number.isNaN(value)) {
      return;
    }
    const bar = { begin: times[index], end: times[index + 1] ?? end, ...look(field, value, merge, theme) };
    const last = found[found.length - 1];
    if (merge && last && last.end === bar.begin && last.state === bar.state) {
      last.end = bar.end;
    } else {
      found.push(bar);
    }
  });
  return found;
}

export function Timeline(props: {
  panel: Panel;
  data: DataFrame[];
  range: TimeRange;
  theme: GrafanaTheme2;
  width: number;
  height: number;
}) {
  const { panel, data, range, theme } = props;
  const { rowHeight = 0.9, mergeValues = true } = panel.options;
  const rows = useMemo(
    () =>
      data.flatMap((frame) =>
        frame.fields
          .filter((field) => field.type !== FieldType.time)
          .map((field) => ({
            name: getFieldDisplayName(field, frame, data),
            opacity: (field.config.custom?.fillOpacity ?? 70) / 100,
            bars: bars(frame, field, range, mergeValues, theme),
          }))
      ),
    [data]
  );
  const config = useMemo(() => {
    const builder = new UPlotConfigBuilder('utc');
    const x = { scaleKey: 'x', orientation: ScaleOrientation.Horizontal, direction: ScaleDirection.Right, isTime: true };
    builder.addScale({ ...x, range: () => [range.from.valueOf(), range.to.valueOf()] });
    builder.addScale({
      scaleKey: 'y',
      orientation: ScaleOrientation.Vertical,
      direction: ScaleDirection.Down,
      range: () => [0, rows.length],
    });
    builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone: 'utc', theme, grid: { show: true } });
    builder.addAxis({
      scaleKey: 'y',
      placement: AxisPlacement.Left,
      theme,
      grid: { show: false },
      ticks: { show: false },
      splits: () => rows.map((_, index) => index + 0.5),
      values: () => rows.map((row) => row.name),
    });
    builder.addSeries({ scaleKey: 'y', theme, pathBuilder: () => null, pointsBuilder: () => undefined, show: true } as any);
    builder.addHook('draw', (plot: uPlot) => {
      const high = plot.bbox.height / rows.length;
      plot.ctx.save();
      rows.forEach((row, index) => {
        plot.ctx.globalAlpha = row.opacity;
        for (const bar of row.bars) {
          const left = Math.max(plot.valToPos(bar.begin, 'x', true), plot.bbox.left);
          const right = Math.min(plot.valToPos(bar.end, 'x', true), plot.bbox.left + plot.bbox.width);
          plot.ctx.fillStyle = bar.color;
          plot.ctx.fillRect(left, plot.bbox.top + high * (index + (1 - rowHeight) / 2), right - left, high * rowHeight);
        }
      });
      plot.ctx.restore();
    });
    builder.setPrepData(() => [[range.from.valueOf(), range.to.valueOf()], [0, rows.length]] as any);
    return builder;
  }, [rows]);
  return (
    <UPlotChart
      config={config}
      data={[[range.from.valueOf(), range.to.valueOf()], [0, rows.length]] as any}
      width={props.width}
      height={props.height}
    />
  );
}
