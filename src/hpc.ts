export type { Channel, CommandOptions, CommandResult } from './channels/channel.js';
export type { Launch, Launcher } from './launchers/launcher.js';
export { SimpleLauncher } from './launchers/simple-launcher.js';
export { SingleNodeLauncher } from './launchers/single-node-launcher.js';
export type { SingleNodeLauncherOptions } from './launchers/single-node-launcher-options.js';
export { LocalProvider } from './providers/local/local-provider.js';
export type { LocalProviderOptions } from './providers/local/local-provider-options.js';
export type { BlockJob, ExecutionProvider, JobState, JobStatus, ProviderContext } from './providers/provider.js';
