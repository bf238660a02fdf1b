import { type Distribution, valueOfPlace } from '../../core/statistics/observations.ts';
import { METRIC_BY_NAME } from './catalogue.ts';
import type { Metric, SummaryMetric } from './metric.ts';

/** What the exposition in text calls itself. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** One line of the exposition. */
export interface Sample {
  /** Behind the family's name: `_sum`, `_count`, or nothing. */
  readonly suffix: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
}

/** Samples that belong together, under one name. */
export interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'summary';
  /** One line, without backslashes. */
  readonly help: string;
  readonly samples: Sample[];
}

/** Quantiles tell of the last ten minutes, as Java's client library has them; this often what was counted is remembered. */
const WINDOW_MS = 600_000;
const STEP_MS = 120_000;
const NEEDS_ESCAPE = /[\\"\n]/;
const BASIC: readonly number[] = [0.5];
const ADVANCED: readonly number[] = [0.5, 0.9, 0.99];

interface Past {
  readonly atMs: number;
  readonly counts: Float64Array;
}

/**
 * What summaries had counted in the past, so that quantiles can be told of the last ten minutes: from the first reading on, of
 * the time since a reading that was at least so long ago.
 */
export class QuantileWindow {
  readonly #nowMs: () => number;
  readonly #pasts: Map<string, Past[]> = new Map();

  /** `nowMs`: monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Not a number where nothing was observed. `ranks` ascend. */
  quantiles(metric: SummaryMetric, ranks: readonly number[]): number[] {
    const { of } = metric;
    if (of.count === 0) return ranks.map(() => Number.NaN);
    const base = this.#base(`${metric.name} ${metric.key ?? ''}`, of);
    let total = of.count;
    if (base !== null) for (const count of base) total -= count;
    if (total <= 0) return ranks.map(() => Number.NaN);
    const ends = ranks.map((rank) => Math.max(1, Math.ceil(total * rank)));
    const found: number[] = [];
    let seen = 0;
    for (let place = 0; place < of.counts.length; place++) {
      seen += (of.counts[place] ?? 0) - (base?.[place] ?? 0);
      for (let end = ends[found.length]; end !== undefined && seen >= end; end = ends[found.length]) {
        found.push(Math.min(of.max, Math.max(of.min, valueOfPlace(place))));
      }
      if (found.length === ends.length) break;
    }
    return found;
  }

  /** What had been counted when the window begins; null: nothing. */
  #base(key: string, { counts }: Distribution): Float64Array | null {
    const now = this.#nowMs();
    const pasts = this.#pasts.get(key) ?? [];
    this.#pasts.set(key, pasts);
    while (now - (pasts[1]?.atMs ?? now) >= WINDOW_MS) pasts.shift();
    const last = pasts.at(-1);
    if (last === undefined || now - last.atMs >= STEP_MS) pasts.push({ atMs: now, counts: counts.slice() });
    const [first] = pasts;
    return first !== undefined && now - first.atMs >= WINDOW_MS ? first.counts : null;
  }
}

/** The metrics as families, in their order; metrics of one name stand behind each other. */
export function familiesOf(metrics: Iterable<Metric>, window: QuantileWindow): Family[] {
  const families: Family[] = [];
  for (const metric of metrics) {
    let family = families.at(-1);
    if (family?.name !== metric.name) {
      family = {
        name: metric.name,
        type: metric.kind === 'advanced' ? 'summary' : metric.kind,
        help: METRIC_BY_NAME.get(metric.name)?.meaning ?? metric.name,
        samples: [],
      };
      families.push(family);
    }
    const labels: Sample['labels'] = metric.key === undefined ? [] : [['key', metric.key]];
    if (!('of' in metric)) {
      family.samples.push({ suffix: '', labels, value: metric.value });
      continue;
    }
    const ranks = metric.kind === 'advanced' ? ADVANCED : BASIC;
    for (const [i, value] of window.quantiles(metric, ranks).entries()) {
      family.samples.push({ suffix: '', labels: [...labels, ['quantile', String(ranks[i])]], value });
    }
    family.samples.push({ suffix: '_count', labels, value: metric.of.count });
    family.samples.push({ suffix: '_sum', labels, value: metric.of.sum });
  }
  return families;
}

/** The families in the text format of Prometheus, version 0.0.4. */
export function expositionText(families: Iterable<Family>): string {
  let text = '';
  for (const family of families) {
    text += `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n`;
    for (const sample of family.samples) text += `${sampleName(family.name, sample)} ${numberText(sample.value)}\n`;
  }
  return text;
}

/** A sample's name with its labels. */
export function sampleName(family: string, { suffix, labels }: Sample): string {
  if (labels.length === 0) return family + suffix;
  return `${family}${suffix}{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

function escaped(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
