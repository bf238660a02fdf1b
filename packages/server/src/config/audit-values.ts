export type AuditFormatName = 'apache' | 'json';

/** What a configuration says of the audit log. */
export interface AuditValues {
  readonly auditEnabled: boolean;
  readonly auditFormat: AuditFormatName;
  /** null: its lines go to the server's log. */
  readonly auditFile: string | null;
  readonly auditFileBytes: number;
  /** Old files that are kept. */
  readonly auditFiles: number;
}
