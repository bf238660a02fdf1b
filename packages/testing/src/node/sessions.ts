import type { AssembledServer } from '@headkeeper/server/embedding';

/** A session's id as the server has it: two halves. */
export interface SessionKey {
  readonly idHigh: number;
  readonly idLow: number;
}

export function keyOf(id: bigint): SessionKey {
  return { idHigh: Number(BigInt.asIntN(32, id >> 32n)), idLow: Number(BigInt.asIntN(32, id)) };
}

export function idOf({ idHigh, idLow }: SessionKey): bigint {
  return (BigInt(idHigh) << 32n) | BigInt(idLow >>> 0);
}

/** Whether the server knows the session and nobody has asked for its end. */
export function isAlive(server: AssembledServer, { idHigh, idLow }: SessionKey): boolean {
  return server.replica.serving.sessions.find(idHigh, idLow) !== null;
}

/** The sessions that a server knows, all of its ensemble. */
export function sessionsOf(server: AssembledServer): SessionKey[] {
  const keys: SessionKey[] = [];
  server.replica.serving.sessions.forEach(({ idHigh, idLow }) => {
    keys.push({ idHigh, idLow });
  });
  return keys;
}
