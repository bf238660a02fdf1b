/** Cuts the body of an object into pieces of one size, so that each can be sent, and sent again, whole. */

/** Thrown around a failure of the body itself, which is not the target's. */
export class BodyFailure extends Error {
  constructor(cause: unknown) {
    super('the body of the object could not be read', { cause });
    this.name = 'BodyFailure';
  }
}

/**
 * The body in pieces of exactly `size` bytes, the last one shorter and possibly empty: there is always at least one.
 * @throws BodyFailure when reading the body fails
 */
export async function* bodyParts(
  body: AsyncIterable<Uint8Array> | Uint8Array,
  size: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly last: boolean }> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunksOf(body)) {
    let rest = chunk;
    // A full piece goes out only when more is there: so the last one is known as such.
    while (heldBytes + rest.length > size) {
      const taken = size - heldBytes;
      held.push(rest.subarray(0, taken));
      yield { bytes: joined(held, size), last: false };
      held = [];
      heldBytes = 0;
      rest = rest.subarray(taken);
    }
    if (rest.length > 0) held.push(rest);
    heldBytes += rest.length;
  }
  yield { bytes: joined(held, heldBytes), last: true };
}

async function* chunksOf(body: AsyncIterable<Uint8Array> | Uint8Array): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    yield body;
    return;
  }
  try {
    yield* body;
  } catch (error) {
    throw new BodyFailure(error);
  }
}

function joined(pieces: readonly Uint8Array[], total: number): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, total);
}
