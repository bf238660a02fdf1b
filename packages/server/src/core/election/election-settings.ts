export interface ElectionSettings {
  /** This server's id. */
  readonly sid: number;
  /** How long an election waits before it repeats its vote; doubles up to the maximum. Milliseconds. */
  readonly minNotificationIntervalMs: number;
  readonly maxNotificationIntervalMs: number;
  /** How long a quorum waits for voters who could still know a better candidate. Milliseconds; 200 on Apache. */
  readonly finalizeWaitMs: number;
  /** Whether a newer configuration in a vote is believed (section 9). */
  readonly reconfigEnabled: boolean;
}
