// Says a word by TLS and waits to be killed. Run by tls-rules.test.ts; Node strips the types of what it imports.
import { connectTls, parseToken } from "./tls.ts";

const [port, token] = process.argv.slice(2);
const wire = await connectTls({ host: "127.0.0.1", port: Number(port), tls: { token: parseToken(token) } });
await wire.send([Buffer.from("abc")]);
await wire.read(new Uint8Array(1));
