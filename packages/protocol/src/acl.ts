/** Permission bits (client-protocol reference, section 8.3). */
export const Permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

/** One entry of an access control list. `scheme` and `id` may be null on the wire (kazoo sends an empty id as null). */
export interface Acl {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

/** An identity of a connection. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

export const WORLD_ANYONE_ALL: readonly Acl[] = Object.freeze([
  Object.freeze({ perms: Permission.all, scheme: 'world', id: 'anyone' }),
]);
