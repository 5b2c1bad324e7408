// What Python gives this page: a dashboard's JSON, and the answers of a Prometheus to each panel's queries.
import type { DataTransformerConfig, FieldConfigSource } from '@grafana/data';

export interface Target {
  refId: string;
  expr: string;
  format?: string;
  instant?: boolean;
  legendFormat?: string;
}

export interface Panel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  collapsed?: boolean;
  panels?: Panel[];
  fieldConfig: FieldConfigSource;
  options: any;
  targets?: Target[];
  transformations?: DataTransformerConfig[];
}

export interface Series {
  metric: Record<string, string>;
  values: Array<[number, string]>;
}

/** The answer to one query: series of a range query, or of an instant query with one value each. */
export interface Answer {
  series: Series[];
  /** Milliseconds between two points. */
  step: number;
}

export interface Drawing {
  mode: 'dark' | 'light';
  board: { title: string; panels: Panel[] };
  /** By panel id, then by refId. */
  answers: Record<string, Record<string, Answer>>;
  /** What the menus above the panels say. */
  variables: Array<[string, string]>;
  /** Begin and end of the time range, in milliseconds. */
  range: [number, number];
  period: string;
  /** Also draw what is in collapsed rows. */
  open: boolean;
}
