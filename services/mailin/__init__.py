"""Takes mail from outside, keeps it, and hands what people wrote to the messaging service: `aftersale mail-in`."""
