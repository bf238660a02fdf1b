import type { ReloadReport, SettingChange } from '../../config/live-settings.ts';
import type { Refusal } from './authorization.ts';
import type { AdminCall, CommandDescription, OwnCommand } from './command.ts';
import type { JsonFields } from './json-text.ts';
import { fields, list, orNull, text, whole } from './schema.ts';

/** Why something could not be done, with the status that says so. */
export interface Obstacle {
  readonly status: 400 | 404 | 409 | 503;
  readonly error: string;
}

/** What operators can have the server do. */
export interface OperatorDoors {
  /** Writes the state as it is now into a file of the data directory. */
  readonly snapshot: () => Promise<{ readonly zxid: number }>;
  /** Another server is to lead: this one, or whoever is best if that is null. */
  readonly transfer: (to: number | null) => Obstacle | null;
  readonly requestLeadership: () => Obstacle | null;
  /** Resolves once the session has ended. */
  readonly expireSession: (id: bigint) => Promise<Obstacle | null>;
  /** Closes connections of a session, or the one of `ip:port`; how many there were. */
  readonly closeConnections: (which: { readonly session: bigint } | { readonly address: string }) => number;
  /** null: the log is somebody else's. */
  readonly logLevel: { get(): string; set(level: string): void } | null;
  /** Reads the configuration again. null: this server cannot. */
  readonly reload: (() => ReloadReport) | null;
  /** Every setting with its value and where that comes from; secrets are hidden. */
  readonly settings: () => readonly { readonly key: string; readonly value: string; readonly origin: string }[];
  readonly positions: () => Positions;
  readonly uptimeMs: () => number;
  readonly versions: { readonly own: string; readonly announced: string };
}

/** How far the history is; zxids. */
export interface Positions {
  readonly logged: number;
  readonly durable: number;
  readonly applied: number;
  readonly snapshot: number | null;
}

type Listing = Pick<OwnCommand, 'names' | 'method' | 'describe'>;

const REFUSALS = {
  401: 'no credentials, or none that prove anything',
  403: 'they do not hold every permission on `/`',
};
const nothing = fields({});
/** Grows with what callers could not do before. */
const API_VERSION = 1;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const SESSION = { type: 'string', pattern: '^(0x[0-9a-f]{1,16}|[0-9]{1,19})$' };

function reads(names: OwnCommand['names'], description: CommandDescription): Listing {
  return { names, method: 'GET', describe: { GET: description } };
}

function does(names: OwnCommand['names'], description: CommandDescription): Listing {
  return {
    names,
    method: 'POST',
    describe: { POST: { ...description, statuses: { ...REFUSALS, ...description.statuses } } },
  };
}

const API_VERSION_COMMAND = reads(['api_version', 'apiv'], {
  summary: 'Versions of these commands and of the server',
  answer: fields({ api_version: whole, version: text, announced_version: text }),
});
const UPTIME = reads(['uptime', 'uptm'], {
  summary: 'Milliseconds since the start',
  answer: fields({ uptime: whole }),
});
const LOG_INFO = reads(['log_info', 'lgif'], {
  summary: 'How far the history is logged, durable, applied, and in a snapshot',
  answer: fields({
    last_logged_zxid: text,
    last_durable_zxid: text,
    last_applied_zxid: text,
    last_snapshot_zxid: orNull(text),
  }),
});
const SETTINGS = reads(['settings'], {
  summary: 'Every setting with its value and where that comes from; secrets are hidden',
  answer: fields({ settings: list(fields({ key: text, value: text, origin: text })) }),
});
const LOG_LEVEL: Listing = {
  names: ['log_level'],
  method: 'any',
  describe: {
    GET: { summary: 'The least severe messages that are logged', answer: fields({ 'level?': text }) },
    POST: {
      summary: 'Changes it, until the next start',
      parameters: [{ name: 'level', required: true, schema: { enum: LEVELS }, description: 'the new level' }],
      answer: fields({ level: text }),
      statuses: {
        ...REFUSALS,
        400: 'there is no such level',
        503: 'the server runs inside another program, whose log it is',
      },
    },
  },
};
const CREATE_SNAPSHOT = does(['create_snapshot', 'csnp'], {
  summary: 'Writes a snapshot of the state as it is into the data directory',
  answer: fields({ last_zxid: text }),
  statuses: { 500: 'it failed, and how' },
});
const TRANSFER = does(['transfer_leadership', 'ydld'], {
  summary: 'The leader lets another server lead, without an acknowledged write being lost',
  parameters: [
    { name: 'to', schema: whole, description: 'id of the server that is to lead; by default whoever is best' },
  ],
  answer: nothing,
  statuses: { 400: 'no server id', 409: 'this server does not lead, and who does' },
});
const REQUEST_LEADERSHIP = does(['request_leadership', 'rqld'], {
  summary: 'Says whom to ask so that this server leads',
  answer: nothing,
  statuses: { 409: 'another server leads: it has to be asked' },
});
const EXPIRE_SESSION = does(['expire_session'], {
  summary: 'Ends a session as if its time were over; its ephemerals go',
  parameters: [{ name: 'session', required: true, schema: SESSION, description: 'id of the session' }],
  answer: nothing,
  statuses: {
    400: 'no session id',
    404: 'there is no such session',
    409: 'the leader has to be asked',
    503: 'its end is not committed yet',
  },
});
const CLOSE_CONNECTION = does(['close_connection'], {
  summary: "Closes a client's connection; its session lives on",
  parameters: [
    { name: 'session', schema: SESSION, description: 'id of its session' },
    { name: 'address', schema: text, description: 'its address as `connections` shows it, such as 10.0.0.5:40122' },
  ],
  answer: fields({ closed: whole }),
  statuses: { 400: 'neither a session nor an address', 404: 'there is no such connection' },
});
const RELOAD = does(['reload_configuration'], {
  summary: 'Reads the configuration again and takes over what can change while the server runs',
  answer: fields({
    changed: list(fields({ key: text, from: text, to: text })),
    need_restart: list(fields({ key: text, from: text, to: text })),
    read_anew: list(text),
  }),
  statuses: { 409: 'the configuration is wrong, and how: nothing has changed', 503: 'this server has no file to read' },
});

/** What the operators' own commands are, for the description. */
export const OPERATOR_LISTINGS: readonly Listing[] = [
  ...[API_VERSION_COMMAND, UPTIME, LOG_INFO, SETTINGS, LOG_LEVEL, CREATE_SNAPSHOT, TRANSFER, REQUEST_LEADERSHIP],
  ...[EXPIRE_SESSION, CLOSE_CONNECTION, RELOAD],
];

/**
 * The commands that only Headkeeper has: those that read are asked for with GET; those that do something with POST, by who holds
 * every permission on `/`.
 */
export function operatorCommands(
  doors: OperatorDoors,
  authorize: (call: AdminCall) => Refusal | null,
): readonly OwnCommand[] {
  const guarded =
    (act: (call: AdminCall) => Promise<void>) =>
    async (call: AdminCall): Promise<void> => {
      const refusal = authorize(call);
      return refusal === null ? act(call) : call.json(refusal.status, {}, refusal.error);
    };
  const done = (call: AdminCall, obstacle: Obstacle | null): Promise<void> =>
    obstacle === null ? call.json(200, {}) : call.json(obstacle.status, {}, obstacle.error);
  return [
    { ...API_VERSION_COMMAND, run: (call) => call.json(200, versionFields(doors)) },
    { ...UPTIME, run: (call) => call.json(200, { uptime: Math.round(doors.uptimeMs()) }) },
    { ...LOG_INFO, run: (call) => call.json(200, positionFields(doors.positions())) },
    { ...SETTINGS, run: (call) => call.json(200, { settings: doors.settings().map((one) => ({ ...one })) }) },
    { ...LOG_LEVEL, run: (call) => logLevel(call, doors, guarded) },
    {
      ...CREATE_SNAPSHOT,
      run: guarded(async (call) => {
        call.keepWaiting();
        const { zxid } = await doors.snapshot();
        await call.json(200, { last_zxid: zxidText(zxid) });
      }),
    },
    {
      ...TRANSFER,
      run: guarded((call) => {
        const to = call.query.get('to');
        if (to !== null && !/^\d{1,3}$/.test(to)) return call.json(400, {}, `to=${to}: expected the id of a server`);
        return done(call, doors.transfer(to === null ? null : Number(to)));
      }),
    },
    { ...REQUEST_LEADERSHIP, run: guarded((call) => done(call, doors.requestLeadership())) },
    {
      ...EXPIRE_SESSION,
      run: guarded(async (call) => {
        const id = sessionOf(call.query.get('session'));
        if (id === null) return call.json(400, {}, 'session: expected the id of a session, such as 0x100001f3b2a0000');
        return done(call, await doors.expireSession(id));
      }),
    },
    {
      ...CLOSE_CONNECTION,
      run: guarded((call) => {
        const session = sessionOf(call.query.get('session'));
        const address = call.query.get('address');
        const which = session !== null ? { session } : address !== null ? { address } : null;
        if (which === null) return call.json(400, {}, 'expected session=ID or address=IP:PORT');
        const closed = doors.closeConnections(which);
        return closed === 0 ? call.json(404, {}, 'there is no such connection') : call.json(200, { closed });
      }),
    },
    {
      ...RELOAD,
      run: guarded((call) => {
        if (doors.reload === null) return call.json(503, {}, 'this server was started without a configuration file');
        const { problems, applied, needsRestart, readAnew } = doors.reload();
        if (problems.length > 0) return call.json(409, {}, `nothing has changed: ${problems.join('; ')}`);
        return call.json(200, {
          changed: applied.map(changeFields),
          need_restart: needsRestart.map(changeFields),
          read_anew: readAnew,
        });
      }),
    },
  ];
}

function changeFields({ key, from, to }: SettingChange): JsonFields {
  return { key, from, to };
}

function versionFields({ versions }: OperatorDoors): JsonFields {
  return { api_version: API_VERSION, version: versions.own, announced_version: versions.announced };
}

function positionFields({ logged, durable, applied, snapshot }: Positions): JsonFields {
  return {
    last_logged_zxid: zxidText(logged),
    last_durable_zxid: zxidText(durable),
    last_applied_zxid: zxidText(applied),
    last_snapshot_zxid: snapshot === null ? null : zxidText(snapshot),
  };
}

function logLevel(
  call: AdminCall,
  { logLevel: log }: OperatorDoors,
  guarded: (act: (call: AdminCall) => Promise<void>) => (call: AdminCall) => Promise<void>,
): Promise<void> {
  const foreign = 'the server runs inside another program, whose log it is';
  if (call.request.method !== 'POST') {
    return log === null ? call.json(200, {}, foreign) : call.json(200, { level: log.get() });
  }
  return guarded((allowed) => {
    const level = allowed.query.get('level');
    if (level === null || !LEVELS.includes(level)) {
      return allowed.json(400, {}, `level=${level ?? ''}: expected one of ${LEVELS.join(', ')}`);
    }
    if (log === null) return allowed.json(503, {}, foreign);
    log.set(level);
    return allowed.json(200, { level });
  })(call);
}

function sessionOf(value: string | null): bigint | null {
  if (value === null || !/^(0x[0-9a-fA-F]{1,16}|\d{1,19})$/.test(value)) return null;
  return BigInt.asIntN(64, BigInt(value));
}

function zxidText(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}
