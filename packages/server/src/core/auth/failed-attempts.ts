import { limits } from '../../limits.ts';

/**
 * Failed authentications by address, so that passwords cannot be tried without end (known failure A17): an address has a
 * supply of attempts that comes back with time. What it may hold is bounded: of too many addresses the one that has failed
 * least recently is forgotten.
 */
export class FailedAttempts {
  readonly #byAddress: Map<string, { failures: number; sinceMs: number }> = new Map();

  /** Whether the address may try to prove something now. */
  mayTry(address: string, nowMs: number): boolean {
    const entry = this.#byAddress.get(networkOf(address));
    if (entry === undefined) return true;
    forgive(entry, nowMs);
    return entry.failures < limits.failedAuthentications;
  }

  failed(address: string, nowMs: number): void {
    const key = networkOf(address);
    const entry = this.#byAddress.get(key) ?? { failures: 0, sinceMs: nowMs };
    forgive(entry, nowMs);
    entry.failures++;
    this.#byAddress.delete(key);
    this.#byAddress.set(key, entry);
    if (this.#byAddress.size <= limits.failedAuthenticationAddresses) return;
    for (const oldest of this.#byAddress.keys()) {
      this.#byAddress.delete(oldest);
      break;
    }
  }
}

function forgive(entry: { failures: number; sinceMs: number }, nowMs: number): void {
  const forgiven = Math.floor((nowMs - entry.sinceMs) / limits.failedAuthenticationMs);
  if (forgiven <= 0) return;
  entry.failures = Math.max(0, entry.failures - forgiven);
  entry.sinceMs += forgiven * limits.failedAuthenticationMs;
}

/** An IPv6 host has all addresses of its first half. */
function networkOf(address: string): string {
  return address.includes(':') ? address.split(':', 4).join(':') : address;
}
