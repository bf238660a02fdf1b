import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { OtlpPush, type OtlpPushOptions } from '../../../src/admin/metrics/otlp-push.ts';
import { familiesOf, QuantileWindow } from '../../../src/admin/metrics/prometheus.ts';
import { observed } from '../sample-status.ts';

/** A small collector: keeps what is pushed, and answers with the status that is wanted. */
class Collector {
  readonly pushed: { readonly request: IncomingMessage; readonly body: unknown }[] = [];
  status = 200;
  readonly #server: Server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      this.pushed.push({ request, body: JSON.parse(Buffer.concat(pieces).toString()) });
      response.statusCode = this.status;
      response.end('{}');
    });
  });

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/metrics`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const collector = new Collector();
before(() => collector.start());
after(() => collector.stop());

function pushing(heard: (word: string) => void): OtlpPush {
  const window = new QuantileWindow(() => 0);
  const options: OtlpPushOptions = {
    endpoint: collector.endpoint,
    intervalMs: 3_600_000,
    headers: [['authorization', 'Bearer token']],
    resource: { 'service.name': 'headkeeper' },
    families: () =>
      familiesOf(
        [
          { kind: 'gauge', name: 'watch_count', value: 3 },
          { kind: 'counter', name: 'snap_count', value: 2 },
          { kind: 'advanced', name: 'ack_latency', key: '2', of: observed(1, 1, 4) },
          { kind: 'summary', name: 'fsynctime', of: observed() },
        ],
        window,
      ),
    wallMs: () => 1_795_000_000_000,
    failed: (reason) => heard(`failed: ${reason}`),
    recovered: () => heard('recovered'),
  };
  return new OtlpPush(options);
}

test('a push is an ExportMetricsServiceRequest in JSON', async () => {
  const push = pushing((word) => assert.fail(word));
  push.push();
  while (collector.pushed.length === 0) await new Promise((resolve) => setImmediate(resolve));
  push.stop();
  const { request, body } = collector.pushed[0] as (typeof collector.pushed)[number];
  assert.equal(request.method, 'POST');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers.authorization, 'Bearer token');
  const time = { timeUnixNano: '1795000000000000000' };
  const since = { startTimeUnixNano: '1795000000000000000' };
  assert.deepEqual(body, {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'headkeeper' } }] },
        scopeMetrics: [
          {
            scope: { name: 'headkeeper' },
            metrics: [
              {
                name: 'watch_count',
                description: 'Registered watches',
                gauge: { dataPoints: [{ attributes: [], ...time, asDouble: 3 }] },
              },
              {
                name: 'snap_count',
                description: 'Learners brought up to date by the whole state',
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: [{ attributes: [], ...since, ...time, asDouble: 2 }],
                },
              },
              {
                name: 'ack_latency',
                description: 'From the numbering of a txn until a learner has acknowledged it, ms, by learner',
                summary: {
                  dataPoints: [
                    {
                      attributes: [{ key: 'key', value: { stringValue: '2' } }],
                      ...since,
                      ...time,
                      count: '3',
                      sum: 6,
                      quantileValues: [
                        { quantile: 0.5, value: 1 },
                        { quantile: 0.9, value: 4 },
                        { quantile: 0.99, value: 4 },
                      ],
                    },
                  ],
                },
              },
              {
                name: 'fsynctime',
                description: 'Syncs of the log, ms',
                summary: {
                  dataPoints: [{ attributes: [], ...since, ...time, count: '0', sum: 0, quantileValues: [] }],
                },
              },
            ],
          },
        ],
      },
    ],
  });
});

test('a failure is told once, and so is the end of it', async () => {
  const words: string[] = [];
  const push = pushing((word) => words.push(word));
  const pushUntil = async (count: number, done: () => boolean): Promise<void> => {
    const from = collector.pushed.length;
    while (collector.pushed.length < from + count || !done()) {
      push.push();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  collector.status = 503;
  await pushUntil(3, () => words.length > 0);
  collector.status = 200;
  await pushUntil(1, () => words.length > 1);
  push.stop();
  assert.deepEqual(words, ['failed: status 503', 'recovered']);
});
