import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/house/closing-line.ts';
import { stateFolder } from './test/house/state-folder.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // End-to-end tests start worker processes of their own; more files at once would only fight for cores.
    maxWorkers: 2,
    env: { XDG_STATE_HOME: stateFolder(), ORT_DISABLE_TELEMETRY: '1' },
    // Several times what the slowest takes on two quiet cores: a machine may be slow, and others may have it, too.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    reporters: ['default', new ClosingLine()],
  },
});
