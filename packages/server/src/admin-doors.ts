import { statfs } from 'node:fs/promises';
import { configuredContext, watchStores } from './adapters/tls/configured-context.ts';
import { TlsAcceptor } from './adapters/tls/tls-acceptor.ts';
import { TlsStoreError } from './adapters/tls/tls-stores.ts';
import type { AdminTls } from './admin/http/front-door.ts';
import type { HealthCheck } from './admin/http/health.ts';
import type { Obstacle, OperatorDoors } from './admin/http/operator-commands.ts';
import type { StandaloneStatus } from './admin/standalone-status.ts';
import { identitiesByCertificate } from './client-tls.ts';
import { ConfigError } from './config/config-error.ts';
import type { ServerConfig } from './config/schema.ts';
import { tlsFamilyOf } from './config/tls-family.ts';
import type { Replica } from './core/replica.ts';
import type { Driver } from './driver/driver.ts';
import { limits } from './limits.ts';

interface AdminLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

const HANDSHAKE_MS = 10_000;
const MOST_HANDSHAKES = 32;
/** How long a session that is to end is waited for, milliseconds. */
const PATIENCE_MS = 10_000;

/** TLS of the operators' port, and how to stop looking at its files. */
export interface OpenAdminTls {
  readonly tls: AdminTls;
  stop(): void;
}

/**
 * TLS of the operators' port: with Apache's keys, those between servers (`ssl.quorum.`), or with those for clients where these
 * are not given. null: it is not asked for.
 *
 * @throws ConfigError when a key or trust store cannot be used.
 */
export function adminTls(config: ServerConfig, log: AdminLog): OpenAdminTls | null {
  if (!config.adminForceHttps && !config.adminPortUnification) return null;
  const family = config.quorumKeyStore === null && config.sslKeyStore !== null ? 'ssl' : 'quorum';
  try {
    const clientAuth = config.adminNeedClientAuth ? 'need' : 'none';
    // A caller's certificate says who he is, not where.
    const values = { ...tlsFamilyOf(config, family), clientAuth, clientHostnameVerification: false } as const;
    const context = configuredContext(values, 'ssl.quorum.keyStore.location');
    const stop = watchStores(context, {
      reloaded: () => log.info({}, "certificates of the operators' port were read again"),
      failed: (error) => log.warn({}, `${error.message}; those read before stay in use`),
    });
    const acceptor = new TlsAcceptor({
      tls: context,
      acceptPlain: !config.adminForceHttps,
      detectionTimeoutMs: config.adminIdleTimeoutMs,
      handshakeTimeoutMs: HANDSHAKE_MS,
      mostHandshakes: MOST_HANDSHAKES,
    });
    const accept: AdminTls['accept'] = (raw, accepted) => acceptor.accept(raw, { accepted, failed: leaveAlone });
    return { tls: { accept, identitiesOf: identitiesByCertificate(config) }, stop };
  } catch (error) {
    if (!(error instanceof TlsStoreError)) throw error;
    throw new ConfigError([error.message]);
  }
}

/** What `/readyz` looks at. `folders`: those that the server writes to. */
export function readinessChecks(
  status: StandaloneStatus,
  isServing: () => boolean,
  folders: readonly string[],
): readonly HealthCheck[] {
  return [
    {
      name: 'serving',
      fault: async () => {
        const { mode, ensemble } = status;
        if (isServing() && mode !== 'read-only') return null;
        return ensemble === null ? 'starting' : `${mode}, ${ensemble.phase}`;
      },
    },
    {
      name: 'quorum',
      fault: async () => {
        const { ensemble } = status;
        return ensemble === null || ensemble.leaderSid !== null ? null : 'no leader is known';
      },
    },
    {
      name: 'disk',
      fault: async () => {
        for (const folder of folders) {
          const { bavail, bsize } = await statfs(folder);
          if (bavail * bsize < limits.readyFreeBytes) return `${folder} has room for ${bavail * bsize} bytes only`;
        }
        return null;
      },
    },
  ];
}

/** The part of what operators can have the server do that is about leaders, sessions and connections. */
export function serverDoors(
  replica: Replica,
  driver: Driver,
  status: StandaloneStatus,
): Pick<OperatorDoors, 'transfer' | 'requestLeadership' | 'expireSession' | 'closeConnections'> {
  const elsewhere = (): Obstacle | null => {
    const { ensemble } = status;
    if (ensemble === null || ensemble.leading !== null) return null;
    const { leaderSid, membership } = ensemble;
    const host = leaderSid === null ? null : (membership.members.get(leaderSid)?.endpoints[0]?.host ?? null);
    return {
      status: 409,
      error: leaderSid === null ? 'there is no leader' : `server ${leaderSid} at ${host} leads: ask that`,
    };
  };
  return {
    transfer: (to) => {
      const { ensemble } = status;
      if (ensemble === null) return { status: 409, error: 'a server that stands alone has nobody to hand over to' };
      const other = elsewhere();
      if (other !== null) return other;
      if (to !== null && ensemble.membership.members.get(to)?.role !== 'participant') {
        return { status: 409, error: `server ${to} is no member that votes` };
      }
      if (to === ensemble.sid) return { status: 409, error: 'this server leads already' };
      driver.transfer(to);
      return null;
    },
    requestLeadership: () => {
      const other = elsewhere();
      const sid = status.ensemble?.sid;
      if (other === null) return null;
      return { status: 409, error: `${other.error}, with transfer_leadership?to=${sid}` };
    },
    expireSession: async (id) => {
      const other = elsewhere();
      if (other !== null) return other;
      const [high, low] = halves(id);
      const session = replica.serving.sessions.find(high, low);
      if (session === null) return { status: 404, error: 'there is no such session' };
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve({ status: 503, error: 'its end is not committed yet' }), PATIENCE_MS);
        session.whenClosed = [
          ...(session.whenClosed ?? []),
          () => {
            clearTimeout(timer);
            resolve(null);
          },
        ];
        driver.expireSession(high, low);
      });
    },
    closeConnections: (which) => {
      let closed = 0;
      for (const connection of replica.serving.connections) {
        const link = connection === null || connection === undefined ? null : driver.link(connection.id);
        if (connection === null || connection === undefined || link === null) continue;
        const { session, address } = connection;
        if ('session' in which) {
          const [high, low] = halves(which.session);
          if (session === null || session.idHigh !== high || session.idLow !== low) continue;
        } else if (`${address}:${link.port}` !== which.address && `[${address}]:${link.port}` !== which.address)
          continue;
        link.close();
        closed++;
      }
      return closed;
    },
  };
}

function halves(id: bigint): [high: number, low: number] {
  return [Number(id >> 32n) | 0, Number(id & 0xffffffffn) | 0];
}

/** Who is not let in has been closed by the acceptor. */
function leaveAlone(): void {}
