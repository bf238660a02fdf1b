import type { PathCount } from '../../core/statistics/path-sampler.ts';
import type { Refusal } from './authorization.ts';
import type { AdminCall, OwnCommand } from './command.ts';
import { fields, list, orNull, text, whole } from './schema.ts';

/** What one connection has said and been told in a while. */
export interface Talker {
  /** `ip:port`. */
  readonly address: string;
  readonly session: string | null;
  readonly requests: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** A close look at what clients do. */
export interface Insight {
  /** The paths that are asked for most; null while nobody counts. One request in `every` was looked at. */
  readonly hotKeys: (
    most: number | null,
  ) => { readonly paths: readonly PathCount[]; readonly others: number; readonly every: number } | null;
  /** Begins to count, or stops and forgets. */
  readonly sampleHotKeys: (wanted: boolean) => void;
  /** Who talks most in the time to come. */
  readonly talkers: (windowMs: number, most: number) => Promise<readonly Talker[]>;
}

const MOST_TALKERS = 20;
const MOST_SECONDS = 30;
const DEFAULT_SECONDS = 1;
const MOST_PATHS = 1000;

const HOT_KEYS: Pick<OwnCommand, 'names' | 'method' | 'describe'> = {
  names: ['hot_keys'],
  method: 'any',
  describe: {
    GET: {
      summary: 'The paths that are asked for most, from a sample of the requests',
      parameters: [{ name: 'limit', schema: whole, description: 'how many; by default pathStats.topPathMax' }],
      answer: fields({
        one_in: whole,
        paths: list(fields({ path: text, reads: whole, writes: whole })),
        others: whole,
      }),
      statuses: { 400: 'no number' },
    },
    POST: {
      summary: 'Begins to count, or stops and forgets',
      parameters: [{ name: 'enabled', required: true, schema: { enum: ['true', 'false'] }, description: 'which' }],
      answer: fields({}),
      statuses: {
        400: 'neither true nor false',
        401: 'no credentials, or none that prove anything',
        403: 'they do not hold every permission on `/`',
      },
    },
  },
};

const TOP_TALKERS: Pick<OwnCommand, 'names' | 'method' | 'describe'> = {
  names: ['top_talkers'],
  method: 'GET',
  describe: {
    GET: {
      summary: 'The connections with most requests and bytes; answers after the time that it counts for',
      parameters: [
        { name: 'seconds', schema: whole, description: `how long it counts: 1 to ${MOST_SECONDS}, by default 1` },
      ],
      answer: fields({
        seconds: whole,
        connections: list(
          fields({
            address: text,
            session: orNull(text),
            requests: whole,
            bytes_received: whole,
            bytes_sent: whole,
          }),
        ),
      }),
      statuses: { 400: 'no such time', 429: 'it is being counted already' },
    },
  },
};

/** What these commands are, for the description. */
export const INSIGHT_LISTINGS: readonly Pick<OwnCommand, 'names' | 'method' | 'describe'>[] = [HOT_KEYS, TOP_TALKERS];

/** `hot_keys` and `top_talkers`: what costs something is done only while somebody asks. */
export function insightCommands(
  insight: Insight,
  authorize: (call: AdminCall) => Refusal | null,
): readonly OwnCommand[] {
  let isCounting = false;
  return [
    {
      ...HOT_KEYS,
      run: async (call) => {
        if (call.request.method === 'POST') return switchHotKeys(call, insight, authorize);
        const limit = numberIn(call.query.get('limit'), MOST_PATHS);
        if (Number.isNaN(limit)) return call.json(400, {}, `limit: expected a number from 1 to ${MOST_PATHS}`);
        const found = insight.hotKeys(limit);
        if (found === null) return call.json(200, {}, 'not counted: pathStats.enabled, or POST with enabled=true');
        return call.json(200, {
          one_in: found.every,
          paths: found.paths.map((one) => ({ ...one })),
          others: found.others,
        });
      },
    },
    {
      ...TOP_TALKERS,
      run: async (call) => {
        const seconds = numberIn(call.query.get('seconds'), MOST_SECONDS) ?? DEFAULT_SECONDS;
        if (Number.isNaN(seconds)) return call.json(400, {}, `seconds: expected a number from 1 to ${MOST_SECONDS}`);
        if (isCounting) return call.json(429, {}, 'it is being counted already');
        isCounting = true;
        call.keepWaiting();
        try {
          const talkers = await insight.talkers(seconds * 1000, MOST_TALKERS);
          const connections = talkers.map(({ bytesReceived, bytesSent, ...one }) => ({
            ...one,
            bytes_received: bytesReceived,
            bytes_sent: bytesSent,
          }));
          return await call.json(200, { seconds, connections });
        } finally {
          isCounting = false;
        }
      },
    },
  ];
}

function switchHotKeys(
  call: AdminCall,
  insight: Insight,
  authorize: (call: AdminCall) => Refusal | null,
): Promise<void> {
  const refusal = authorize(call);
  if (refusal !== null) return call.json(refusal.status, {}, refusal.error);
  const enabled = call.query.get('enabled');
  if (enabled !== 'true' && enabled !== 'false') return call.json(400, {}, 'enabled: expected true or false');
  insight.sampleHotKeys(enabled === 'true');
  return call.json(200, {});
}

/** null: not given; NaN: not between 1 and `most`. */
function numberIn(value: string | null, most: number): number | null {
  if (value === null) return null;
  const number = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  return number >= 1 && number <= most ? number : Number.NaN;
}
