// node tests/child.mjs FILE.ts [ARGUMENT…]: runs a TypeScript file's default export in a process of its own.
import { createServer } from 'vite';

const [file, ...rest] = process.argv.slice(2);
const server = await createServer({
  configFile: false,
  logLevel: 'error',
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, ws: false, watch: null },
});
const module = await server.ssrLoadModule(file);
await module.default(...rest);
await server.close();
