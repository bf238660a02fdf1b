/** What every command that changes something can be told. */
export interface ChangeOptions {
  readonly yes?: true;
  readonly json?: true;
  readonly acceptLoss?: true;
  readonly juteMaxbuffer: number;
  readonly dataDir?: string;
  readonly dataLogDir?: string;
}

/** What `repair examine` can be told. */
export interface ExamineOptions {
  readonly dataLogDir?: string;
  readonly juteMaxbuffer: number;
  readonly json?: true;
}
