// The graph: Grafana's own component, legend included.
import type { DataFrame, TimeRange } from '@grafana/data';
import { TimeSeries } from '@grafana/ui';
import type { Panel } from './model';

export function Graph(props: { panel: Panel; data: DataFrame[]; range: TimeRange; width: number; height: number }) {
  return (
    <TimeSeries
      frames={props.data}
      structureRev={1}
      timeRange={props.range}
      timeZone="utc"
      width={props.width}
      height={props.height}
      legend={props.panel.options.legend}
      options={props.panel.options}
    />
  );
}
