import type { Membership } from '../core/membership/membership.ts';

/** The hosts at which the members of the ensemble are reached, as they are spelled, while the membership changes. */
export class MemberHosts {
  #current: readonly string[] = [];

  /** null: a standalone server. */
  constructor(membership: Membership | null) {
    if (membership !== null) this.follow(membership);
  }

  get current(): readonly string[] {
    return this.#current;
  }

  follow(membership: Membership): void {
    const hosts = new Set<string>();
    for (const { endpoints } of membership.members.values()) {
      for (const { host } of endpoints) hosts.add(host);
    }
    this.#current = [...hosts];
  }
}
