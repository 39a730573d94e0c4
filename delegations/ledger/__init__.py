"""The tamper-evident log of receipts: nothing in it can be dropped or reordered unseen."""

from delegations.ledger.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from delegations.ledger.cosignature import Cosignature, cosign_checkpoint, verify_cosignatures
from delegations.ledger.entry import Record, entry_of
from delegations.ledger.ledger import Damage, Entry, Ledger, Page, find_damage_in_file
from delegations.ledger.note import COSIGNATURE, NoteSigner, SignedNote, VerifierKey
from delegations.ledger.postgres import PostgresStore
from delegations.ledger.proof_file import IncludedEnvelope, ProofFile, make_proof_file, verify_proof_file
from delegations.ledger.tree import Head

__all__ = [
    "Ledger",
    "Entry",
    "Record",
    "Page",
    "Head",
    "Damage",
    "find_damage_in_file",
    "Checkpoint",
    "sign_checkpoint",
    "verify_checkpoint",
    "ProofFile",
    "IncludedEnvelope",
    "make_proof_file",
    "verify_proof_file",
    "entry_of",
    "Cosignature",
    "cosign_checkpoint",
    "verify_cosignatures",
    "SignedNote",
    "NoteSigner",
    "VerifierKey",
    "COSIGNATURE",
    "PostgresStore",
]
