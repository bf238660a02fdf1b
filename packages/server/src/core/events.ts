/** Time of an event: monotonic for durations, wall for the times that txns carry. Whole milliseconds. */
export interface EventTime {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** Everything that can happen to the core. Completions carry the generation of the role that asked for the work. */
export type Event = EventTime &
  (
    | { readonly kind: 'clientOpen'; readonly connection: number; readonly address: string }
    /** The bytes need stay valid only during the step. */
    | { readonly kind: 'clientData'; readonly connection: number; readonly bytes: Uint8Array }
    | { readonly kind: 'clientClose'; readonly connection: number }
    /** What the connection was sent is mostly with the network, so that it may be sent more. */
    | { readonly kind: 'clientDrained'; readonly connection: number }
    | { readonly kind: 'tick' }
    /** Everything appended up to `zxid` is on stable storage. */
    | { readonly kind: 'durable'; readonly generation: number; readonly zxid: number }
    /** The running snapshot may produce about `znodes` more. */
    | { readonly kind: 'snapshotSlice'; readonly generation: number; readonly znodes: number }
  );
