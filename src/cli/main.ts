import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../core/host.ts';

// Compiled code is kept between runs, which saves a fifth of a short one. In a folder of the user's own, since a shared
// one could be filled by somebody else; where it cannot be written, nothing is kept.
enableCompileCache(join(cacheFolder(), 'code'));
await import('./start.ts');
