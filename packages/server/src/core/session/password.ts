import { apacheSessionPassword } from '@headkeeper/protocol';
import type { Hashing } from '../../ports.ts';
import type { CoreSettings } from '../settings.ts';

export const PASSWORD_BYTES = 16;

/**
 * Session passwords. Apache's is computed from the public session id alone, so anybody can compute it (known failure A16);
 * a keyed one is an HMAC-SHA-256 of the id under the data directory's secret, cut to 16 bytes.
 */
export class SessionPasswords {
  readonly #settings: CoreSettings;
  readonly #hashing: Hashing;

  constructor(settings: CoreSettings, hashing: Hashing) {
    this.#settings = settings;
    this.#hashing = hashing;
  }

  /** The password that new and re-attached sessions get. */
  issue(idHigh: number, idLow: number): Uint8Array {
    return this.#password(this.#settings.sessionPasswordIssue, idHigh, idLow);
  }

  /** Whether the bytes are one of the accepted passwords of the session. Takes the same time whatever they hold. */
  accepts(idHigh: number, idLow: number, password: Uint8Array | null): boolean {
    if (password === null || password.length !== PASSWORD_BYTES) return false;
    let accepted = 0;
    for (const mode of this.#settings.sessionPasswordAccept) {
      const expected = this.#password(mode, idHigh, idLow);
      let difference = 0;
      for (let i = 0; i < PASSWORD_BYTES; i++) difference |= expected[i] ^ password[i];
      accepted |= difference === 0 ? 1 : 0;
    }
    return accepted === 1;
  }

  #password(mode: 'apache' | 'keyed', idHigh: number, idLow: number): Uint8Array {
    const password = new Uint8Array(PASSWORD_BYTES);
    if (mode === 'apache') {
      apacheSessionPassword(idHigh, idLow, password, 0);
      return password;
    }
    const id = new Uint8Array(8);
    const view = new DataView(id.buffer);
    view.setInt32(0, idHigh);
    view.setInt32(4, idLow);
    password.set(this.#hashing.hmacSha256(this.#settings.sessionPasswordKey, id).subarray(0, PASSWORD_BYTES));
    return password;
  }
}
