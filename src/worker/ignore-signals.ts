// Ctrl-C, `timeout` and systemd signal the whole process group; the parent decides what its workers do about it.
// Imported before anything that takes long to load, so that no signal finds a worker without this.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined);
