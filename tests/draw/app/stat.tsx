// The stat panel: one big value, or several beside each other.
import {
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  type DataFrame,
  type GrafanaTheme2,
} from '@grafana/data';
import { BigValue, VizRepeater } from '@grafana/ui';
import type { Panel } from './model';

export function Stat(props: { panel: Panel; data: DataFrame[]; theme: GrafanaTheme2; width: number; height: number }) {
  const { options, fieldConfig } = props.panel;
  const values = () =>
    getFieldDisplayValues({
      fieldConfig,
      reduceOptions: options.reduceOptions,
      replaceVariables: (text) => text,
      theme: props.theme,
      data: props.data,
      sparkline: options.graphMode !== 'none',
      timeZone: 'utc',
    });
  return (
    <VizRepeater
      getValues={values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, alignmentFactors, width, height, count }) => (
        <BigValue
          value={value.display}
          count={count}
          sparkline={value.sparkline}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          wideLayout={options.wideLayout}
          percentChangeColorMode={options.percentChangeColorMode}
          alignmentFactors={alignmentFactors}
          text={options.text}
          width={width}
          height={height}
          theme={props.theme}
        />
      )}
      width={props.width}
      height={props.height}
      source={props.data}
      itemSpacing={3}
      orientation={options.orientation}
    />
  );
}
