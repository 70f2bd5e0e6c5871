"""Telephone numbers: from what people write into a field to E.164, or a reason why not.

`text` cleans, `links` takes the numbers out of addresses of messengers, `candidates` finds what may be a number and
what stands around it, `readings` says which number the digits are, `plans` asks libphonenumber.
"""
