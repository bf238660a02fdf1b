/** The front door: configure and run a server inside another program. */
export { ConfigError } from './config/config-error.ts';
export { type DumpedSetting, dumpConfig } from './config/dump.ts';
export type { ReloadReport, SettingChange } from './config/live-settings.ts';
export { parseServerConfig } from './config/parse.ts';
export type { ConfigValues, GivenValue, LogLevel, ServerConfig, SessionPasswordMode } from './config/schema.ts';
export { defaultServerConfig } from './config/server-config.ts';
export { propertiesFromEnvironment, propertyFromOption, type SystemProperty } from './config/system-properties.ts';
export { type RunningServer, type StartOptions, startServer } from './main.ts';
export { type FatalExit, ServerExit, type ServerLog, StartError } from './start-error.ts';
