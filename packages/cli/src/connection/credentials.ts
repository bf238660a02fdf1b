/** An identity to show to a server. */
export interface Credentials {
  readonly scheme: string;
  /** Such as `user:password` of the scheme digest. */
  readonly auth: string;
}
