import * as vitest from 'vitest';
import { launcherSuite } from '../../src/conformance/launcher/launcher-suite.js';
import { SimpleLauncher } from '../../src/launchers/simple-launcher.js';

launcherSuite(vitest, 'simple', async () => ({
  launcher: new SimpleLauncher(),
  copies: () => 1,
  failsOn: 'any',
  passesTermination: false,
}));
