// Calls the tools' pure functions for Python's tests: a JSON line in, a JSON line out.
import { createInterface } from "node:readline";

const [, , folder] = process.argv;
const at = (name: string) => import(new URL(name, folder).href);
const { PlainStream } = await at("tools/plain.ts");
const { SseDecoder } = await at("tools/sse.ts");
const { EXIT_OF } = await at("tools/errors.ts");
const { summarise } = await at("tools/figures.ts");
const { workerUrl } = await at("client.ts");

const CALLS: Record<string, (argument: any) => unknown> = {
  plain(chunks: string[]) {
    const stream = new PlainStream();
    return chunks.map((chunk) => stream.feed(chunk)).join("") + stream.end();
  },
  sse(chunks: string[]) {
    const decoder = new SseDecoder();
    return chunks.flatMap((chunk) =>
      decoder.feed(Buffer.from(chunk, "base64")),
    );
  },
  exits: () => EXIT_OF,
  summarise,
  url(given: string) {
    try {
      return workerUrl(given);
    } catch (error) {
      return { refused: (error as { code: string }).code };
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, argument } = JSON.parse(line);
  console.log(JSON.stringify(CALLS[call]!(argument)));
}
