/** What a configuration says of the operators' HTTP server. Times in milliseconds. */
export interface AdminValues {
  /** By default whether `adminServerPort` is given. */
  readonly adminEnabled: boolean;
  /** 0: any free port; null: not given. */
  readonly adminServerPort: number | null;
  readonly adminServerAddress: string;
  /** The path in front of the commands, without a slash at its end. */
  readonly adminCommandUrl: string;
  readonly adminIdleTimeoutMs: number;
  /** Pause between two snapshots, and between two restores; 0: none. */
  readonly adminRateLimiterIntervalMs: number;
  readonly adminSnapshotEnabled: boolean;
  readonly adminRestoreEnabled: boolean;
  /** HTTP and HTTPS on one port. */
  readonly adminPortUnification: boolean;
  /** HTTPS alone. */
  readonly adminForceHttps: boolean;
  readonly adminNeedClientAuth: boolean;
  readonly adminRemoteAccess: 'secure' | 'apache';
  /** Whether X-Forwarded-For of `adminTrustedProxies` counts. */
  readonly adminUseForwardedFor: boolean;
  /** Addresses, or blocks such as 10.0.0.0/8. */
  readonly adminTrustedProxies: readonly string[];
}
