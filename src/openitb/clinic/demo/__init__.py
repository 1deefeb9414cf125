"""A clinic of synthetic people, one in every stage of the therapy, for teaching and for trying out.

`cast` holds who they are, `story` what is done to them, the simulator what comes of it, and `load`
writes the record and makes the implants that live on.
"""
