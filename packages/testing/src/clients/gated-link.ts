import type { ClientLink } from '@headkeeper/server/embedding';

/** A string of bytes that the server sends. */
type Output = Parameters<ClientLink['send']>[0];

/** A client's connection whose reading can be stopped from outside, whatever the server wants. */
export class GatedLink implements ClientLink {
  readonly #link: ClientLink;
  #isPausedByServer = false;
  #isHeld = false;

  constructor(link: ClientLink) {
    this.#link = link;
  }

  get port(): number {
    return this.#link.port;
  }

  get isSecure(): boolean {
    return this.#link.isSecure ?? false;
  }

  get identities(): NonNullable<ClientLink['identities']> {
    return this.#link.identities ?? [];
  }

  get unsentBytes(): number {
    return this.#link.unsentBytes;
  }

  send(out: Output): void {
    this.#link.send(out);
  }

  close(): void {
    this.#link.close();
  }

  pause(): void {
    this.#isPausedByServer = true;
    this.#apply();
  }

  resume(): void {
    this.#isPausedByServer = false;
    this.#apply();
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#apply();
  }

  #apply(): void {
    if (this.#isHeld || this.#isPausedByServer) this.#link.pause();
    else this.#link.resume();
  }
}
