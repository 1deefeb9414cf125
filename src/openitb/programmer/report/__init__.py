"""The session report: what was read, reviewed, agreed to and read back; as JSON and as PDF.

What it says of the pump is the pump's own last reading, with the digest of the program and of the log.
"""

from openitb.programmer.report.content import session_report
from openitb.programmer.report.pdf import to_pdf
from openitb.programmer.report.text import to_json, to_text

__all__ = ["session_report", "to_json", "to_pdf", "to_text"]
