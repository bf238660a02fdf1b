import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Family, Sample } from './prometheus.ts';

/** Since when sums are counted: OTLP calls that cumulative. */
const CUMULATIVE = 2;
const ANSWER_MS = 10_000;
/** An answer that says nothing wanted is read this far, bytes. */
const ANSWER_BYTES = 65_536;

export interface OtlpPushOptions {
  /** Such as `http://127.0.0.1:4318/v1/metrics`. */
  readonly endpoint: string;
  readonly intervalMs: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What the metrics are of: attributes of the resource. */
  readonly resource: Readonly<Record<string, string>>;
  readonly families: () => readonly Family[];
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Told of the first push that fails, and of the first that succeeds after it. */
  readonly failed: (reason: string) => void;
  readonly recovered: () => void;
}

/**
 * Pushes the metrics to a collector of OpenTelemetry: OTLP over HTTP, in JSON. What could not be pushed is not kept: sums and
 * summaries are told from their beginning each time.
 */
export class OtlpPush {
  readonly #options: OtlpPushOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #startMs: number;
  #cancel: (() => void) | null = null;
  #isFailing = false;
  #isStopped = false;

  constructor(options: OtlpPushOptions) {
    this.#options = options;
    this.#startMs = options.wallMs();
    this.#timer = setInterval(() => this.push(), options.intervalMs).unref();
  }

  /** Pushes now, unless a push is still under way. */
  push(): void {
    if (this.#cancel !== null || this.#isStopped) return;
    const { endpoint, headers, families, resource, wallMs } = this.#options;
    const body = JSON.stringify(otlpMetrics(families(), resource, this.#startMs, wallMs()));
    const options: RequestOptions = {
      method: 'POST',
      headers: {
        ...Object.fromEntries(headers),
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
      timeout: ANSWER_MS,
    };
    const request = endpoint.startsWith('https:') ? httpsRequest(endpoint, options) : httpRequest(endpoint, options);
    this.#cancel = () => request.destroy();
    let left: number = ANSWER_BYTES;
    let status = 0;
    request.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.on('data', (bytes: Buffer) => {
        left -= bytes.length;
        if (left < 0) request.destroy();
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    let reason: string | null = null;
    request.on('error', (error) => {
      reason = error.message;
    });
    request.on('close', () => {
      this.#cancel = null;
      if (this.#isStopped) return;
      if (status >= 200 && status < 300) this.#succeed();
      else this.#fail(reason ?? `status ${status}`);
    });
    request.end(body);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#cancel?.();
  }

  #succeed(): void {
    if (this.#isFailing) this.#options.recovered();
    this.#isFailing = false;
  }

  #fail(reason: string): void {
    if (!this.#isFailing) this.#options.failed(reason);
    this.#isFailing = true;
  }
}

/** The families as an ExportMetricsServiceRequest. Integers of 64 bits are texts there. */
export function otlpMetrics(
  families: readonly Family[],
  resource: Readonly<Record<string, string>>,
  startMs: number,
  nowMs: number,
): object {
  const startTimeUnixNano = nanos(startMs);
  const timeUnixNano = nanos(nowMs);
  const metrics = families.map((family) => {
    const { name, help, type, samples } = family;
    const head = { name, description: help };
    if (type === 'summary') {
      return { ...head, summary: { dataPoints: summaries(samples, startTimeUnixNano, timeUnixNano) } };
    }
    const dataPoints = samples
      .filter(({ value }) => Number.isFinite(value))
      .map(({ labels, value }) => ({
        attributes: attributes(labels),
        ...(type === 'counter' ? { startTimeUnixNano } : {}),
        timeUnixNano,
        asDouble: value,
      }));
    if (type === 'gauge') return { ...head, gauge: { dataPoints } };
    return { ...head, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
  });
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(Object.entries(resource)) },
        scopeMetrics: [{ scope: { name: 'headkeeper' }, metrics }],
      },
    ],
  };
}

interface SummaryPoint {
  readonly attributes: object[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  count: string;
  sum: number;
  readonly quantileValues: { readonly quantile: number; readonly value: number }[];
}

/** The samples of a summary with the same labels but for `quantile` are one point. */
function summaries(samples: readonly Sample[], startTimeUnixNano: string, timeUnixNano: string): SummaryPoint[] {
  const points = new Map<string, SummaryPoint>();
  for (const { suffix, labels, value } of samples) {
    const rest = labels.filter(([name]) => name !== 'quantile');
    const key = JSON.stringify(rest);
    const point = points.get(key) ?? {
      ...{ attributes: attributes(rest), startTimeUnixNano, timeUnixNano },
      ...{ count: '0', sum: 0, quantileValues: [] },
    };
    points.set(key, point);
    const rank = labels.find(([name]) => name === 'quantile');
    if (suffix === '_count') point.count = String(value);
    else if (suffix === '_sum') point.sum = value;
    else if (rank !== undefined && Number.isFinite(value))
      point.quantileValues.push({ quantile: Number(rank[1]), value });
  }
  return [...points.values()];
}

function attributes(labels: readonly (readonly [name: string, value: string])[]): object[] {
  return labels.map(([key, value]) => ({ key, value: { stringValue: value } }));
}

function nanos(ms: number): string {
  return `${Math.round(ms)}000000`;
}
