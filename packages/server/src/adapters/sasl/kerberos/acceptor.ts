import { randomBytes } from 'node:crypto';
import { limits } from '../../../limits.ts';
import { DerError, DerReader, DerTag } from '../../tls/der-reader.ts';
import { KerberosError, type KerberosKey } from './encryption.ts';
import type { KeytabEntry } from './keytab.ts';
import {
  type ApRequest,
  readApRequest,
  readAuthenticator,
  readTicket,
  type Ticket,
  tagged,
  writeApReply,
  writeApReplyPart,
} from './messages.ts';
import { SecurityContext } from './security-context.ts';

/** How far clocks may differ. */
const SKEW_MS = 300_000;
const GSS_APPLICATION = 0x60;
/** 1.2.840.113554.1.2.2 */
const KERBEROS_OID: Buffer = Buffer.from('2a864886f712010202', 'hex');
const AP_REQUEST_TOKEN = 0x0100;
const AP_REPLY_TOKEN: Buffer = Buffer.from('0200', 'hex');
const GSS_CHECKSUM_TYPE = 0x8003;
/** Length and channel bindings, then the flags. */
const GSS_CHECKSUM_BYTES = 24;
const FLAG_MUTUAL = 2;
const TICKET_INVALID = 1 << 24;
const TRANSIT_CHECKED = 1 << 19;
/** What keys are used for (RFC 4120, 7.5.1). */
const Usage = { ticket: 2, authenticator: 11, reply: 12 } as const;

/** A client that has shown a ticket and that it is his. */
export interface AcceptedClient {
  /** `primary/instance@REALM` */
  readonly client: string;
  /** The answer that proves this server to the client; null: the client has not asked for one. */
  readonly token: Buffer | null;
  readonly context: SecurityContext;
}

/** This server to clients with tickets (RFC 4120, 3.2; RFC 4121, 4.1), by the keys of its keytab. */
export class KerberosAcceptor {
  readonly #keys: readonly KeytabEntry[];
  readonly #nowMs: () => number;
  /** Proofs that have been seen, until they are too old to be believed. */
  readonly #seen: Map<string, number> = new Map();

  /** `nowMs`: wall time in milliseconds. */
  constructor(keys: readonly KeytabEntry[], nowMs: () => number) {
    this.#keys = keys;
    this.#nowMs = nowMs;
  }

  /** Takes a client's first token. Throws `KerberosError` when it is not believed. */
  accept(token: Uint8Array): AcceptedClient {
    const request = readApRequest(requestOf(Buffer.from(token)));
    const { entry, ticket } = this.#open(request);
    const proof = readAuthenticator(ticket.key.decrypt(Usage.authenticator, request.authenticator.cipher));
    if (proof.client !== ticket.client) throw new KerberosError('the ticket is of somebody else');
    const nowMs = this.#nowMs();
    if (Math.abs(nowMs - proof.timeMs) > SKEW_MS) throw new KerberosError("the client's clock is off by minutes");
    checkTimes(ticket, nowMs);
    // What other realms have been passed through is the key centre's to judge.
    if (ticket.realm !== entry.realm && (ticket.flags & TRANSIT_CHECKED) === 0) {
      throw new KerberosError(`the way from the realm ${JSON.stringify(ticket.realm)} was not checked`);
    }
    if (proof.checksumType !== GSS_CHECKSUM_TYPE || proof.checksum.length < GSS_CHECKSUM_BYTES) {
      throw new KerberosError('not a token of GSSAPI');
    }
    this.#once(request.authenticator.cipher, nowMs);
    const isMutual = request.isMutual && (proof.checksum.readUInt32LE(20) & FLAG_MUTUAL) !== 0;
    const initiatorKey = proof.key ?? ticket.key;
    if (!isMutual) {
      // Without an answer both sides count from the same number.
      const context = new SecurityContext(initiatorKey, false, proof.sequence, proof.sequence);
      return { client: ticket.client, token: null, context };
    }
    const ownKey = initiatorKey.sibling();
    const sequence = randomBytes(4).readUInt32BE() >>> 2;
    const part = ticket.key.encrypt(Usage.reply, writeApReplyPart(proof, ownKey, sequence));
    const reply = writeApReply(ticket.key.type, part);
    const framed = tagged(GSS_APPLICATION, tagged(DerTag.oid, KERBEROS_OID), AP_REPLY_TOKEN, reply);
    const context = new SecurityContext(ownKey, true, sequence, proof.sequence);
    return { client: ticket.client, token: framed, context };
  }

  #open({ service, ticket }: ApRequest): { entry: KeytabEntry; ticket: Ticket } {
    const own = this.#keys.filter(({ principal }) => principal === service);
    if (own.length === 0)
      throw new KerberosError(`a ticket for ${JSON.stringify(service)}, of which the keytab has no key`);
    const { type, keyVersion, cipher } = ticket;
    const fitting = own.filter(({ key, version }) => {
      // Old keytabs keep the last byte of a version only.
      return key.type === type && (keyVersion === null || version === keyVersion || version === (keyVersion & 0xff));
    });
    for (const entry of fitting) {
      const opened = decrypted(entry.key, cipher);
      if (opened !== null) return { entry, ticket: readTicket(opened) };
    }
    throw new KerberosError(`a ticket of key version ${keyVersion}, type ${type}, which no key of the keytab opens`);
  }

  /** A proof counts once: who has overheard it cannot use it. */
  #once(proof: Buffer, nowMs: number): void {
    for (const [key, untilMs] of this.#seen) {
      if (untilMs > nowMs) break;
      this.#seen.delete(key);
    }
    const key = proof.subarray(proof.length - 24).toString('base64');
    if (this.#seen.has(key)) throw new KerberosError('a proof that has been used');
    if (this.#seen.size >= limits.kerberosProofs) throw new KerberosError('more logins than can be remembered');
    this.#seen.set(key, nowMs + 2 * SKEW_MS);
  }
}

function checkTimes(ticket: Ticket, nowMs: number): void {
  if ((ticket.flags & TICKET_INVALID) !== 0 || ticket.startMs > nowMs + SKEW_MS) {
    throw new KerberosError('a ticket that is not valid yet');
  }
  if (ticket.endMs < nowMs - SKEW_MS) throw new KerberosError('a ticket that has expired');
}

function decrypted(key: KerberosKey, cipher: Buffer): Buffer | null {
  try {
    return key.decrypt(Usage.ticket, cipher);
  } catch (error) {
    if (error instanceof KerberosError) return null;
    throw error;
  }
}

/** The request in the frame that GSSAPI puts around a first token (RFC 2743, 3.1). */
function requestOf(token: Buffer): Buffer {
  try {
    const reader = new DerReader(token);
    const frame = reader.take(GSS_APPLICATION);
    const oid = new DerReader(frame).any();
    const inner = frame.subarray(oid.whole.length);
    if (oid.tag !== DerTag.oid || !oid.contents.equals(KERBEROS_OID))
      throw new KerberosError('a mechanism other than Kerberos');
    if (inner.length < 2 || inner.readUInt16BE(0) !== AP_REQUEST_TOKEN) throw new KerberosError('not a first token');
    return inner.subarray(2);
  } catch (error) {
    if (error instanceof DerError) throw new KerberosError('not a token of GSSAPI');
    throw error;
  }
}
