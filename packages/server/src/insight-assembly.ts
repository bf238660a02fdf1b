import type { StorageStatistics } from './adapters/disk/storage-statistics.ts';
import type { Insight, Talker } from './admin/http/insight-commands.ts';
import { operationLetters } from './admin/operation-letters.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { ServerConfig } from './config/schema.ts';
import type { Replica } from './core/replica.ts';
import { sessionIdText } from './core/session/sessions.ts';
import { PathSampler } from './core/statistics/path-sampler.ts';
import type { Driver } from './driver/driver.ts';
import type { Clock } from './ports.ts';
import { visibleText } from './visible-text.ts';

interface InsightParts {
  readonly replica: Replica;
  readonly driver: Driver;
  readonly storage: StorageStatistics;
  readonly live: LiveSettings;
  readonly clock: Clock;
}

interface InsightLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** Slow requests and slow syncs are told of so often in a second at most. */
const LINES_A_SECOND = 10;

/** Begins to look at what clients do, as far as the configuration says so. */
export function startInsight(config: ServerConfig, parts: InsightParts, log: InsightLog): Insight & { stop(): void } {
  const { replica, driver, storage, live, clock } = parts;
  const { serving } = replica;
  const slow = bounded(clock, log);
  serving.slowRequest = ({ opcode, path, sessionHigh, sessionLow, address, latencyMs, zxid, bytes, error }) => {
    const facts = { operation: operationLetters(opcode), path: path === null ? null : visibleText(path), address };
    const session = sessionIdText(sessionHigh, sessionLow);
    slow({ ...facts, session, latencyMs, zxid: `0x${zxid.toString(16)}`, bytes, error }, 'slow request');
  };
  const setThresholds = ({ slowRequestMs, fsyncWarningThresholdMs }: ServerConfig): void => {
    serving.slowRequestMs = slowRequestMs > 0 ? slowRequestMs : Number.POSITIVE_INFINITY;
    storage.journal.slowerThanMs = fsyncWarningThresholdMs;
  };
  setThresholds(config);
  live.follow(['slowRequestMs', 'fsyncWarningThresholdMs'], setThresholds);
  storage.journal.slow = (tookMs) =>
    slow({ tookMs: Math.round(tookMs) }, 'a sync of the log took long: writes wait for it (fsync.warningthresholdms)');

  const sampler = (): PathSampler =>
    new PathSampler({
      slots: config.pathStatsSlots,
      slotMs: config.pathStatsSlotMs,
      maxDepth: config.pathStatsMaxDepth,
      every: Math.round(1 / config.pathStatsSampleRate),
    });
  if (config.pathStatsEnabled) serving.paths = sampler();
  const print = (): void => {
    const found = serving.paths?.top(config.pathStatsTop, clock.monotonicMs()) ?? null;
    if (found === null || found.paths.length === 0) return;
    const paths = found.paths.map((one) => ({ ...one, path: visibleText(one.path) }));
    log.info({ paths, others: found.others }, 'the paths that are asked for most');
  };
  let repeating: NodeJS.Timeout | null = null;
  const first = setTimeout(() => {
    print();
    repeating = setInterval(print, config.pathStatsDelayMs).unref();
  }, config.pathStatsInitialDelayMs).unref();
  return {
    hotKeys: (most) => {
      const { paths } = serving;
      return paths === null
        ? null
        : { ...paths.top(most ?? config.pathStatsTop, clock.monotonicMs()), every: paths.every };
    },
    sampleHotKeys: (wanted) => {
      if (!wanted) serving.paths = null;
      else serving.paths ??= sampler();
    },
    talkers: async (windowMs, most) => {
      const before = new Map(counts(replica).map((one) => [one.connection, one]));
      await new Promise((resolve) => setTimeout(resolve, windowMs));
      const talkers = counts(replica).map((now): Talker => {
        const then = before.get(now.connection) ?? { requests: 0, received: 0, sent: 0 };
        const { connection } = now;
        const { session } = connection;
        return {
          address: `${connection.address}:${driver.link(connection.id)?.port ?? 0}`,
          session: session === null ? null : sessionIdText(session.idHigh, session.idLow),
          requests: now.requests - then.requests,
          bytesReceived: now.received - then.received,
          bytesSent: now.sent - then.sent,
        };
      });
      const weight = (one: Talker): number => one.bytesReceived + one.bytesSent;
      return talkers.sort((a, b) => b.requests - a.requests || weight(b) - weight(a)).slice(0, most);
    },
    stop: () => {
      clearTimeout(first);
      if (repeating !== null) clearInterval(repeating);
    },
  };
}

function counts(replica: Replica): {
  connection: NonNullable<Replica['serving']['connections'][number]>;
  requests: number;
  received: number;
  sent: number;
}[] {
  return replica.serving.connections
    .filter((connection) => connection !== null && connection !== undefined)
    .map((connection) => {
      const { requests, bytesReceived, bytesSent } = connection.traffic;
      return { connection, requests, received: bytesReceived, sent: bytesSent };
    });
}

/** A warning a time, and no more than so many a second; what was left out is said with the next. */
function bounded(clock: Clock, log: InsightLog): (facts: object, message: string) => void {
  let endsMs = 0;
  let told = 0;
  let untold = 0;
  return (facts, message) => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= endsMs) {
      endsMs = nowMs + 1000;
      told = 0;
    }
    if (++told > LINES_A_SECOND) untold++;
    else {
      log.warn(untold === 0 ? facts : { ...facts, untold }, message);
      untold = 0;
    }
  };
}
