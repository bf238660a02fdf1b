/** A peer did not keep to the protocol, or was not let in; its connection is closed. */
export class PeerProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PeerProtocolError';
  }
}
