import os from 'node:os';
import { openAuditFile } from './audit/audit-file.ts';
import {
  type AuditEntry,
  apacheFormat,
  apacheMessage,
  isFailure,
  jsonFormat,
  type LineFormat,
} from './audit/audit-lines.ts';
import { AuditLog, type AuditSink } from './audit/audit-log.ts';
import { ConfigError } from './config/config-error.ts';
import type { ServerConfig } from './config/schema.ts';
import { AuditTrail } from './core/audit-trail.ts';
import type { Replica } from './core/replica.ts';
import type { Clock } from './ports.ts';

/** The audit log of a server. */
export interface RunningAudit {
  /** Begins to hear of what the server's clients change. */
  attach(replica: Replica): void;
  note(entry: AuditEntry): void;
  /** Whether the server has begun to serve. */
  started(succeeded: boolean): void;
  /** The server has been told to stop. */
  stopping(): void;
  /** Writes what waits; nothing is heard from then on. */
  stop(): Promise<void>;
  /** Records lost since the start. */
  readonly dropped: number;
}

interface AuditLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Losses are told of so often at most, milliseconds. */
const TELL_MS = 60_000;
const STANDALONE_ID = 0;

/**
 * Opens the audit log; null when there is none.
 *
 * @throws ConfigError when its file cannot be had.
 */
export function openAudit(config: ServerConfig, clock: Clock, log: AuditLogger): RunningAudit | null {
  if (!config.auditEnabled) return null;
  const user = userName();
  const server = config.ensemble?.sid ?? STANDALONE_ID;
  const { format, sink } = config.auditFile === null ? toLog(config, user, server, log) : toFile(config, user, server);
  const audit = new AuditLog({
    format,
    sink,
    wallMs: () => clock.wallMs(),
    defer: setImmediate,
    lost: boundedWarning(clock, log),
  });
  return {
    attach: (replica) => {
      replica.serving.audit = new AuditTrail((event) => audit.note(event));
    },
    note: (entry) => audit.note(entry),
    started: (succeeded) => {
      const result = succeeded ? 'success' : 'failure';
      audit.note({ operation: 'serverStart', result, wallMs: clock.wallMs() });
    },
    stopping: () => audit.note({ operation: 'serverStop', result: 'invoked', wallMs: clock.wallMs() }),
    stop: () => audit.stop(),
    get dropped() {
      return audit.dropped;
    },
  };
}

interface Form {
  readonly format: LineFormat;
  readonly sink: AuditSink;
}

function toFile(config: ServerConfig, user: string, server: number): Form {
  const path = config.auditFile as string;
  const format = config.auditFormat === 'json' ? jsonFormat(user, server) : apacheFormat(user);
  try {
    return { format, sink: openAuditFile(path, config.auditFileBytes, config.auditFiles) };
  } catch (error) {
    throw new ConfigError([`audit.file=${path} cannot be opened: ${(error as Error).message}`]);
  }
}

/** Messages of the server's own log, at the level that Apache's have; that one knows the time. */
function toLog(config: ServerConfig, user: string, server: number, log: AuditLogger): Form {
  const json = jsonFormat(user, server);
  const message = (entry: AuditEntry): string | null =>
    config.auditFormat === 'json' ? json.line(entry) : apacheMessage(entry, user);
  const put = (text: string): void => {
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const facts = { audit: true };
      if (line.startsWith(FAILED)) log.error(facts, line.slice(FAILED.length));
      else log.info(facts, line);
    }
  };
  return {
    format: {
      line: (entry) => {
        const line = message(entry);
        return line === null ? null : `${isFailure(entry) ? FAILED : ''}${line}`;
      },
    },
    sink: {
      write: (text, done) => {
        put(text);
        done(null);
      },
      writeNow: put,
      close: () => {},
    },
  };
}

/** Marks lines of failures on their way to the log; no line has it otherwise. */
const FAILED = '\0';

function boundedWarning(clock: Clock, log: AuditLogger): (reason: string, count: number) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return (reason, count) => {
    untold += count;
    if (clock.monotonicMs() - toldMs < TELL_MS) return;
    toldMs = clock.monotonicMs();
    log.warn({ lost: untold }, `records of the audit log are lost: ${reason}`);
    untold = 0;
  };
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // The user of a container often has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
