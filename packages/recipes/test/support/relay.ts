import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** A way to a server that can lose what travels on it. */
export class Relay {
  readonly #server: Server;
  readonly #pairs: Set<readonly [client: Socket, upstream: Socket]> = new Set();
  /** What the server says until something is lost; -1: nothing is. */
  #answersLeft = -1;
  /** The same for what the client says. */
  #requestsLeft = -1;
  /** What the client says until the connection ends right behind it; 0: it does not. */
  #untilCut = 0;
  #spoken: (() => void) | null = null;
  #isShut = false;
  #isMute = false;
  #loss: (() => void) | null = null;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      if (this.#isShut) {
        client.destroy();
        return;
      }
      const upstream = dial(port, '127.0.0.1');
      const pair = [client, upstream] as const;
      this.#pairs.add(pair);
      const over = (): void => {
        this.#pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      };
      for (const socket of pair) socket.setNoDelay(true).on('error', over).on('close', over);
      client.on('data', (bytes) => {
        if (this.#untilCut > 0 && --this.#untilCut === 0) {
          upstream.write(bytes, over);
          client.destroy();
        } else if (this.#requestsLeft !== 0) {
          upstream.write(bytes, () => this.#spoken?.());
          if (this.#requestsLeft > 0) this.#requestsLeft--;
        } else {
          this.#requestsLeft = -1;
          over();
          this.#loss?.();
        }
      });
      upstream.on('data', (bytes) => {
        if (this.#isMute) return;
        if (this.#answersLeft !== 0) {
          client.write(bytes);
          if (this.#answersLeft > 0) this.#answersLeft--;
        } else {
          this.#answersLeft = -1;
          over();
          this.#loss?.();
        }
      });
    });
  }

  static async to(port: number): Promise<Relay> {
    const relay = new Relay(port);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connectString(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** From now on until `cut` what the server says does not arrive; what clients say does. */
  loseAnswers(): void {
    this.#isMute = true;
  }

  /** The next thing that the server says is lost, and the connection with it; resolves then. */
  loseNextAnswer(): Promise<void> {
    return this.loseAnswer(0);
  }

  /** As `loseNextAnswer`, after the server has been heard `before` times. */
  loseAnswer(before: number): Promise<void> {
    this.#answersLeft = before;
    return new Promise((resolve) => {
      this.#loss = resolve;
    });
  }

  /** What the client says after so many times does not arrive, and the connection is lost with it; resolves then. */
  loseRequest(before: number): Promise<void> {
    this.#requestsLeft = before;
    return new Promise((resolve) => {
      this.#loss = resolve;
    });
  }

  /** Resolves when the client has said something more. */
  hearsRequest(): Promise<void> {
    return new Promise((resolve) => {
      this.#spoken = resolve;
    });
  }

  /** The next so many things that the client says arrive, and the connection is lost behind them. */
  cutBehindRequests(count: number): void {
    this.#untilCut = count;
  }

  /** Ends all connections. */
  cut(): void {
    this.#isMute = false;
    for (const [client, upstream] of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  /** Ends all connections and lets none in until `open`. */
  shut(): void {
    this.#isShut = true;
    this.cut();
  }

  open(): void {
    this.#isShut = false;
  }

  close(): void {
    this.shut();
    this.#server.close();
  }
}
