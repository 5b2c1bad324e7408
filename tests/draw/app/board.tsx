// A whole dashboard: panels in their frames, on Grafana's grid.
import { dateTime, LoadingState, type DataFrame, type GrafanaTheme2, type TimeRange } from '@grafana/data';
import { Icon, PanelChrome } from '@grafana/ui';
import { Component, useEffect, useState, type ReactNode } from 'react';
import { prepared } from './frames';
import { Graph } from './graph';
import type { Drawing, Panel } from './model';
import { Stat } from './stat';
import { Table } from './table';
import { Timeline } from './timeline';

const COLUMNS = 24;
const CELL = 30;
const GAP = 8;
const MARGIN = 16;
const HEAD = 56;

const high = (cells: number) => cells * CELL + (cells - 1) * GAP;

/** All panels to draw; those of an opened row push what is below down. */
function placed(panels: Panel[], open: boolean): Panel[] {
  let below = 0;
  return panels.flatMap((panel) => {
    const moved = { ...panel, gridPos: { ...panel.gridPos, y: panel.gridPos.y + below } };
    if (!open || !panel.panels?.length) {
      return [moved];
    }
    const inner = panel.panels.map((one) => ({ ...one, gridPos: { ...one.gridPos, y: one.gridPos.y + below } }));
    below += Math.max(...panel.panels.map((one) => one.gridPos.y + one.gridPos.h)) - panel.gridPos.y - 1;
    return [{ ...moved, collapsed: false }, ...inner];
  });
}

/** One panel that cannot be drawn says so, and the others are drawn. */
class Guard extends Component<{ children: ReactNode }, { error?: Error }> {
  state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  render() {
    return this.state.error ? <pre data-error>{String(this.state.error.stack)}</pre> : this.props.children;
  }
}

function Content(props: { panel: Panel; data: DataFrame[]; range: TimeRange; theme: GrafanaTheme2; width: number; height: number }) {
  const { panel, data } = props;
  const empty = <div data-empty className="empty">{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
  switch (panel.type) {
    case 'stat':
      return <Stat {...props} />;
    case 'timeseries':
      return data.length ? <Graph {...props} /> : empty;
    case 'state-timeline':
      return data.length ? <Timeline {...props} /> : empty;
    case 'table':
      return data.length ? <Table {...props} data={data[0]} /> : empty;
    default:
      throw new Error(`no way to draw a panel of type ${panel.type}`);
  }
}

// Grafana's stat and state timeline panels have no padding.
const BARE = ['stat'];

function Framed(props: { panel: Panel; data: DataFrame[]; range: TimeRange; theme: GrafanaTheme2; width: number; height: number }) {
  const { panel, width, height } = props;
  return (
    <PanelChrome
      title={panel.title}
      description={panel.description}
      width={width}
      height={height}
      padding={BARE.includes(panel.type) ? 'none' : 'md'}
      loadingState={LoadingState.Done}
    >
      {(innerWidth, innerHeight) => (
        <Guard>
          <Content {...props} width={innerWidth} height={innerHeight} />
        </Guard>
      )}
    </PanelChrome>
  );
}

export function Board({ drawing, theme, width }: { drawing: Drawing; theme: GrafanaTheme2; width: number }) {
  const [data, setData] = useState<Record<number, DataFrame[]>>();
  const panels = placed(drawing.board.panels, drawing.open);
  useEffect(() => {
    const drawn = panels.filter((panel) => panel.type !== 'row');
    Promise.all(drawn.map((panel) => prepared(panel, drawing.answers[panel.id] ?? {}, theme))).then((all) =>
      setData(Object.fromEntries(drawn.map((panel, index) => [panel.id, all[index]])))
    );
  }, []);
  if (!data) {
    return null;
  }
  const [from, to] = drawing.range.map((at) => dateTime(at));
  const range = { from, to, raw: { from, to } };
  const column = (width - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS;
  const total = Math.max(...panels.map(({ gridPos: { y, h } }) => (y + h) * (CELL + GAP)));
  return (
    <main style={{ position: 'relative', height: HEAD + total + MARGIN - GAP }} data-drawn>
      <header style={{ left: MARGIN, right: MARGIN, height: HEAD }}>
        <h1>{drawing.board.title}</h1>
        {drawing.variables.map(([name, value]) => (
          <span key={name}>
            {name} <b>{value}</b>
          </span>
        ))}
        <span className="period">{drawing.period}</span>
      </header>
      {panels.map((panel) => {
        const { x, y, w, h } = panel.gridPos;
        const box = { left: MARGIN + x * (column + GAP), top: HEAD + y * (CELL + GAP), width: w * column + (w - 1) * GAP };
        if (panel.type === 'row') {
          return (
            <h2 key={panel.id} style={{ ...box, height: CELL }}>
              <Icon name={panel.collapsed ? 'angle-right' : 'angle-down'} />
              {panel.title}
            </h2>
          );
        }
        const frame = { panel, theme, range, data: data[panel.id], width: box.width, height: high(h) };
        return (
          <article key={panel.id} style={{ ...box, height: high(h) }} data-panel={panel.title} data-type={panel.type} data-id={panel.id}>
            <Framed {...frame} />
          </article>
        );
      })}
    </main>
  );
}
