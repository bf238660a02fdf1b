import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { type Identity, Permission } from '@headkeeper/protocol';
import { addBlock } from '../../config/ip-block.ts';
import type { Serving } from '../../core/serving.ts';
import { allNeeded, identitiesOf, isProved, permissionRefusal, type Refusal } from './authorization.ts';

/** Who calls, as far as the connection tells. */
export interface Caller {
  /** IP address as access control lists spell it. */
  readonly address: string;
  /** Whether he is on this machine, and speaks for nobody elsewhere. */
  readonly isLocal: boolean;
  /** Whether nobody on the way can listen. */
  readonly isSecure: boolean;
  /** Who he is by his certificate, which has been verified; nobody when he has shown none. */
  readonly proved: readonly Identity[];
}

/** What is known of the connection that a call came on. */
export interface CallConnection {
  /** IP address as access control lists spell it. */
  readonly address: string;
  readonly isEncrypted: boolean;
  readonly proved: readonly Identity[];
}

export interface AccessOptions {
  /** `apache`: callers on other machines need no more than those on this one. */
  readonly remoteAccess: 'secure' | 'apache';
  /** Whether `X-Forwarded-For` of these proxies counts: addresses, or blocks such as 10.0.0.0/8. */
  readonly proxies: readonly string[];
  readonly serving: () => Serving;
}

/** All headers by which proxies tell whom they speak for. Any of them shows that a local caller may not be one. */
const FORWARDING_HEADERS: readonly string[] = [
  ...['x-forwarded-for', 'forwarded', 'forwarded-for', 'x-forwarded', 'x-real-ip', 'x-client-ip', 'client-ip', 'via'],
  ...['true-client-ip', 'cf-connecting-ip', 'x-cluster-client-ip', 'x-originating-ip', 'x-remote-ip', 'x-remote-addr'],
  ...['x-proxyuser-ip', 'x-forwarded-host', 'x-forwarded-proto'],
];

const PLAIN: Refusal = {
  status: 403,
  error: 'callers on other machines are answered through TLS only (admin.forceHttps, admin.remoteAccess)',
};
const UNKNOWN: Refusal = {
  status: 401,
  error:
    'callers on other machines must prove who they are: a certificate, the superuser, or an identity in the access control list of /',
};

/**
 * Who may have what of the operators' HTTP server. From this machine it is as on Apache's: what is read is for everybody, and
 * what takes or changes the state is for those who have every permission on `/`. From elsewhere, unless `remoteAccess` says
 * otherwise, both need TLS and an identity that is proved: not one that everybody can claim.
 */
export class Access {
  readonly #options: AccessOptions;
  readonly #proxies: BlockList = new BlockList();

  constructor(options: AccessOptions) {
    this.#options = options;
    for (const proxy of options.proxies) addBlock(this.#proxies, proxy);
  }

  callerOf(connection: CallConnection, headers: IncomingHttpHeaders): Caller {
    const { address, isEncrypted, proved } = connection;
    const isHere = isLoopback(address);
    const speaksForOthers = FORWARDING_HEADERS.some((name) => headers[name] !== undefined);
    if (speaksForOthers && has(this.#proxies, address)) {
      const client = this.#clientBehind(headers['x-forwarded-for']);
      if (client !== null) {
        // The way from a proxy on this machine is as good as encrypted.
        return { address: client, isLocal: false, isSecure: isEncrypted || isHere, proved: [] };
      }
    }
    return { address, isLocal: isHere && !speaksForOthers, isSecure: isEncrypted, proved };
  }

  /** Why this caller may not read; null when he may. */
  readingRefusal(caller: Caller, authorization: string | undefined): Refusal | null {
    if (caller.isLocal || this.#options.remoteAccess === 'apache') return null;
    return this.#remoteRefusal(caller, authorization, [Permission.read]);
  }

  /** Why this caller may not take or change the whole state; null when he may. */
  refusal(caller: Caller, authorization: string | undefined): Refusal | null {
    if (!caller.isLocal && this.#options.remoteAccess === 'secure') {
      return this.#remoteRefusal(caller, authorization, allNeeded);
    }
    if (authorization === undefined) return { status: 401, error: 'Auth info is missing for the command' };
    const serving = this.#options.serving();
    const identities = identitiesOf(authorization, caller, serving);
    if (identities === null) return { status: 401, error: 'Not authenticated' };
    return permissionRefusal(identities, allNeeded, serving);
  }

  /** The name of the caller for the audit log: what he claims to be, without what proves it. */
  nameOf(caller: Caller, authorization: string | undefined): string | null {
    const [scheme, data = ''] = (authorization ?? '').split(' ');
    if (scheme === 'digest') return Buffer.from(data, 'latin1').toString('utf8').split(':')[0] ?? null;
    return caller.proved.find(({ scheme }) => scheme === 'x509')?.id ?? null;
  }

  #remoteRefusal(caller: Caller, authorization: string | undefined, needed: readonly number[]): Refusal | null {
    if (!caller.isSecure) return PLAIN;
    const serving = this.#options.serving();
    const identities = this.#identities(caller, authorization, serving);
    if (!identities.some((identity) => isProved(identity, serving))) return UNKNOWN;
    return permissionRefusal(identities, needed, serving);
  }

  #identities(caller: Caller, authorization: string | undefined, serving: Serving): readonly Identity[] {
    // A certificate speaks for itself.
    const header = authorization ?? (caller.proved.length === 0 ? null : 'x509');
    return header === null ? [] : (identitiesOf(header, caller, serving) ?? []);
  }

  /** Proxies add to the right; the first from there that is none of ours is the client. */
  #clientBehind(header: string | string[] | undefined): string | null {
    const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => hop.trim());
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) return null;
      if (!has(this.#proxies, hop)) return hop;
    }
    return null;
  }
}

/** Whether an address is one of this machine's own. */
export function isLoopback(address: string): boolean {
  return (
    /^(::ffff:)?127\./.test(address) || address === '::1' || address === '0:0:0:0:0:0:0:1' || address === 'localhost'
  );
}

function has(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
