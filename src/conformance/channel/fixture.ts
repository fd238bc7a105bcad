import type { Channel } from '../../channels/channel.js';

/** What the suite tests: a channel that no other test uses. */
export interface ChannelFixture {
  readonly channel: Channel;
  /** A run of the test's own: its folder is new. */
  readonly runId: string;
  /** Removes what is in the run's folder. Called after the channel was closed. */
  close(): Promise<void>;
}

/** What each test of the suite is given. */
export interface Place extends ChannelFixture {
  /** The run's folder, there. */
  readonly folder: string;
}

/** Registers one test of the suite. */
export type Check = (title: string, body: (place: Place) => Promise<void>) => unknown;
