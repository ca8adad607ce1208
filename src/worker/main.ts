import './ignore-signals.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { type BatchSize, batchIn } from '../plan/batch-size.ts';
import { measureBatch } from './measure-batch.ts';
import { type FromWorker, protocolVersion, type ToWorker, toWorkerSchema, type WireError } from './protocol.ts';
import { runShard } from './run-shard.ts';
import { openScorer, type Scorer } from './scorer.ts';
import { warmUp } from './warm-up.ts';

const progressEveryMs = 200;
/** The parent's shortest deadline for a batch is a second. */
const aliveEveryMs = 250;

/** The child process: it answers its parent's messages in turn, and leaves when the parent is gone. */
function main(): void {
  const cancelled = new AbortController();
  let scorer: Scorer | undefined;
  let warmupBatches = 0;
  let turn: Promise<void> = Promise.resolve();

  // Killed rather than exited: exit waits for DuckDB's threads, which may wait for this one to hand them predictions,
  // and an orphan would hold its GPU for ever. What is half-written has no commit, so there is nothing to put in order.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  setInterval(() => send({ type: 'alive' }), aliveEveryMs).unref();
  process.on('message', (raw) => {
    const message = toWorkerSchema.parse(raw);
    if (message.type === 'cancel') {
      cancelled.abort();
      return;
    }
    turn = turn.then(() => answer(message));
  });

  async function answer(message: Exclude<ToWorker, { type: 'cancel' }>): Promise<void> {
    try {
      switch (message.type) {
        case 'start':
          scorer = await openScorer(message);
          warmupBatches = message.warmupBatches;
          return send({
            type: 'ready',
            protocol: protocolVersion,
            providers: [...scorer.providers],
            optimizedModel: scorer.optimizedModel,
            optimizedModelError: scorer.optimizedModelError,
            rssBytes: process.memoryUsage.rss(),
          });
        case 'measure': {
          const batch = await measureBatch(started(scorer), shardOf(started(scorer), message.shard));
          warmupBatches = 0;
          return send({ type: 'measured', ...batch });
        }
        case 'score': {
          const onProgress = throttled((rows) => send({ type: 'progress', shard: message.shard, rows }));
          const shard = shardOf(started(scorer), message.shard);
          const onReduced = (batch: BatchSize) => send({ type: 'reduced', ...batch });
          const { signal } = cancelled;
          if (!signal.aborted) await warmUp(started(scorer), shard, { ...batchIn(message), batches: warmupBatches });
          warmupBatches = 0;
          const commit = await runShard(started(scorer), { ...message, shard, signal, onProgress, onReduced });
          await started(scorer).profile?.keep();
          const peakRssBytes = process.resourceUsage().maxRSS * 1024;
          return send({ type: 'done', commit, rssBytes: process.memoryUsage.rss(), peakRssBytes });
        }
        case 'stop':
          await scorer?.[Symbol.asyncDispose]();
          process.exit(0);
      }
    } catch (error) {
      send({ type: 'failed', shard: message.type === 'score' ? message.shard : undefined, error: toWire(error) });
    }
  }
}

function started(scorer: Scorer | undefined): Scorer {
  if (scorer === undefined) throw new Error('a message came before start');
  return scorer;
}

function shardOf(scorer: Scorer, index: number) {
  const shard = scorer.plan.shards.find((candidate) => candidate.index === index);
  if (shard === undefined) throw new Error(`the plan has no shard ${index}`);
  return shard;
}

function send(message: FromWorker): void {
  process.send?.(message);
}

function throttled(report: (rows: number) => void): (rows: number) => void {
  let last = 0;
  return (rows) => {
    const now = performance.now();
    if (now - last < progressEveryMs) return;
    last = now;
    report(rows);
  };
}

function toWire(error: unknown): WireError {
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'BUG', message: messageOf(error), stack: error instanceof Error ? error.stack : undefined };
}

main();
