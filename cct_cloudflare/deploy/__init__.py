"""Deploys the Worker to Cloudflare with the project's own wrangler, and looks after it there.

wrangler    runs it: environment, output file, Ctrl-C
project     wrangler.toml, what a user has changed, npm packages
login       who is logged in, which account
request     what the flags say
planning    what a deploy would do
preparing   from the flags to that plan, with the questions in between
deploying   the steps, and what was done when one fails
proof       whether the Worker answers as it should
rotation    a new token, with no gap
tailing     the live log
removing    takes it away again
refusals    what Cloudflare refuses, and the fix
"""
