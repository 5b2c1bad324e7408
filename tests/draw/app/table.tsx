// The table. All columns are drawn, also those that one has to scroll to, so that a test can find what is off screen.
import type { DataFrame } from '@grafana/data';
import { TableNG } from '@grafana/ui/unstable';
import type { Panel } from './model';

export function Table(props: { panel: Panel; data: DataFrame; width: number; height: number }) {
  const { options } = props.panel;
  return (
    <TableNG
      data={props.data}
      width={props.width}
      height={props.height}
      noHeader={!options.showHeader}
      showTypeIcons={options.showTypeIcons}
      cellHeight={options.cellHeight}
      initialSortBy={options.sortBy}
      enableVirtualization={false}
      structureRev={1}
    />
  );
}
