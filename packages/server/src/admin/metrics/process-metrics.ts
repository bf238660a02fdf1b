import { readFileSync } from 'node:fs';
import {
  createHistogram,
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
  type RecordableHistogram,
} from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { METRIC_BY_NAME } from './catalogue.ts';
import type { Family, Sample } from './prometheus.ts';

const RESOLUTION_MS = 20;
const PAGE_BYTES = 4096;
const NS = 1e9;
/** Kinds of garbage collection by V8's bits. */
const COLLECTIONS: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

/** What Prometheus is told of the process (feature inventory, section C.8). Measures from its construction until `stop`. */
export class ProcessMetrics {
  readonly #fileDescriptors: () => { readonly open: number; readonly max: number };
  readonly #delay: IntervalHistogram;
  readonly #observer: PerformanceObserver;
  /** Nanoseconds, by kind. */
  readonly #collections: Map<string, { count: number; readonly times: RecordableHistogram; sum: number }> = new Map();
  readonly #startedAt: number;

  /** `nowMs`: milliseconds since 1970. */
  constructor(fileDescriptors: () => { readonly open: number; readonly max: number }, nowMs: number) {
    this.#fileDescriptors = fileDescriptors;
    this.#startedAt = nowMs / 1000 - process.uptime();
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as unknown as { detail?: { kind?: number } }).detail ?? {};
        this.#collected(COLLECTIONS[kind ?? 0] ?? 'other', entry.duration);
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }

  #collected(kind: string, ms: number): void {
    let known = this.#collections.get(kind);
    if (known === undefined) {
      known = { count: 0, times: createHistogram(), sum: 0 };
      this.#collections.set(kind, known);
    }
    known.count++;
    known.sum += ms / 1000;
    known.times.record(Math.max(1, Math.round(ms * 1e6)));
  }

  /** The delays of the event loop are those since the last call. */
  families(): Family[] {
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    const heap = getHeapStatistics();
    const descriptors = this.#fileDescriptors();
    const families = [
      one('process_cpu_seconds_total', 'counter', (user + system) / 1e6),
      one('process_cpu_user_seconds_total', 'counter', user / 1e6),
      one('process_cpu_system_seconds_total', 'counter', system / 1e6),
      one('process_start_time_seconds', 'gauge', Math.round(this.#startedAt)),
      one('process_open_fds', 'gauge', descriptors.open),
      one('process_max_fds', 'gauge', descriptors.max),
      one('process_resident_memory_bytes', 'gauge', memory.rss),
      one('process_virtual_memory_bytes', 'gauge', virtualBytes()),
      family('jvm_memory_bytes_used', 'gauge', [
        area('heap', heap.used_heap_size),
        area('nonheap', heap.malloced_memory + memory.external),
      ]),
      family('jvm_memory_bytes_committed', 'gauge', [area('heap', heap.total_heap_size)]),
      family('jvm_memory_bytes_max', 'gauge', [area('heap', heap.heap_size_limit)]),
      one('nodejs_heap_size_total_bytes', 'gauge', heap.total_heap_size),
      one('nodejs_heap_size_used_bytes', 'gauge', heap.used_heap_size),
      one('nodejs_external_memory_bytes', 'gauge', memory.external),
      one('nodejs_array_buffers_bytes', 'gauge', memory.arrayBuffers),
      ...this.#loopFamilies(),
      this.#collectionFamily(),
      family('nodejs_version_info', 'gauge', [{ suffix: '', labels: [['version', process.version]], value: 1 }]),
    ];
    return families;
  }

  #loopFamilies(): Family[] {
    const delay = this.#delay;
    const { count } = delay;
    const seconds = (ns: number): number => (count === 0 ? 0 : Math.max(0, ns / NS - RESOLUTION_MS / 1000));
    const families = [
      one('nodejs_eventloop_lag_seconds', 'gauge', seconds(delay.mean)),
      one('nodejs_eventloop_lag_max_seconds', 'gauge', seconds(delay.max)),
      one('nodejs_eventloop_lag_p50_seconds', 'gauge', seconds(delay.percentile(50))),
      one('nodejs_eventloop_lag_p90_seconds', 'gauge', seconds(delay.percentile(90))),
      one('nodejs_eventloop_lag_p99_seconds', 'gauge', seconds(delay.percentile(99))),
    ];
    delay.reset();
    return families;
  }

  #collectionFamily(): Family {
    const samples: Sample[] = [];
    for (const [kind, { count, sum, times }] of this.#collections) {
      const labels: Sample['labels'] = [['kind', kind]];
      for (const rank of [0.5, 0.99]) {
        const value = times.percentile(rank * 100) / NS;
        samples.push({ suffix: '', labels: [...labels, ['quantile', String(rank)]], value });
      }
      samples.push({ suffix: '_count', labels, value: count }, { suffix: '_sum', labels, value: sum });
    }
    return family('nodejs_gc_duration_seconds', 'summary', samples);
  }
}

function one(name: string, type: Family['type'], value: number): Family {
  return family(name, type, [{ suffix: '', labels: [], value }]);
}

function family(name: string, type: Family['type'], samples: Sample[]): Family {
  return { name, type, help: METRIC_BY_NAME.get(name)?.meaning ?? name, samples };
}

function area(name: string, value: number): Sample {
  return { suffix: '', labels: [['area', name]], value };
}

/** -1 where the machine does not tell. */
function virtualBytes(): number {
  try {
    return Number(readFileSync('/proc/self/statm', 'latin1').split(' ', 1)[0]) * PAGE_BYTES;
  } catch {
    return -1;
  }
}
