// Is the collector of a made-up machine: prints what the machine answers at a URL.
const answer = await fetch(process.argv[2]);
if (!answer.ok) throw new Error(await answer.text());
process.stdout.write(await answer.text());
