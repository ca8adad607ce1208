import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder, refuseRuntimeTelemetry } from '../core/host.ts';

refuseRuntimeTelemetry();

// Compiled code is kept between runs, which saves a fifth of a short one. In a folder of the user's own, since a shared
// one could be filled by somebody else; where it cannot be written, nothing is kept.
enableCompileCache(join(cacheFolder(), 'code'));
await import('./start.ts');
