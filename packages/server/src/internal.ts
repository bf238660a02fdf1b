/** The side door: what the sister packages and the project's own scripts need and nobody else should. */
export { SETTINGS } from './config/schema.ts';
export type { Setting } from './config/setting.ts';
export { LogFileReader } from './core/log/log-reader.ts';
export { LOG_HEADER_BYTES } from './core/log/record-codec.ts';
export { SnappyStreamDecoder } from './core/log/snappy.ts';
export { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from './core/log/snapshot-decoder.ts';
export type { StateSink } from './core/log/state-sink.ts';
export type { Disk, DiskFile, DiskSource } from './ports.ts';
