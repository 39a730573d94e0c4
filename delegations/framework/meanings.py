"""What each error means, one plain clause each. Tables and nothing else; selectors follow from the names.

Source: framework 1.3.0 contracts; OpenZeppelin 5.0.2; ERC-4337 EntryPoint v0.7; ERC-6093 for tokens.
"""

from __future__ import annotations

MANAGER = {
    "CannotUseADisabledDelegation()": "A delegation in the chain was revoked by its delegator",
    "InvalidAuthority()": "An authority is not the hash of the parent, or the last one is not a root",
    "InvalidDelegate()": "The caller, or a redelegator, is not the delegate the delegation names",
    "InvalidDelegator()": "Only the delegator may disable or enable a delegation",
    "InvalidEOASignature()": "A signature is not that of its delegator, an account without code",
    "InvalidERC1271Signature()": "The delegator's contract did not accept a signature",
    "EmptySignature()": "A delegation is not signed",
    "AlreadyDisabled()": "The delegation is disabled already",
    "AlreadyEnabled()": "The delegation is enabled already",
    "BatchDataLengthMismatch()": "Permission contexts, modes and executions differ in number",
    "EnforcedPause()": "The manager is paused; nothing can be redeemed",
    "ExpectedPause()": "The manager is not paused",
}
ACCOUNT = {
    "NotDelegationManager()": "Only the delegation manager may make the account execute this way",
    "NotEntryPoint()": "Only the ERC-4337 EntryPoint may call this",
    "NotEntryPointOrSelf()": "Only the ERC-4337 EntryPoint or the account itself may call this",
    "NotSelf()": "Only the account itself may call this",
    "UnauthorizedCallContext()": "The implementation was called directly instead of through an account",
    "UUPSUnauthorizedCallContext()": "The implementation was called directly instead of through its proxy",
    "UUPSUnsupportedProxiableUUID(bytes32)": "The new implementation is for another kind of proxy",
    "UnsupportedCallType(bytes1)": "The account supports only single and batch calls, not this call type",
    "UnsupportedExecType(bytes1)": "The account supports only default and try execution, not this type",
    "ExecutionFailed()": "The account's inner call failed",
    "InvalidEIP712NameLength()": "The EIP-712 name is longer than 31 bytes",
    "InvalidEIP712VersionLength()": "The EIP-712 version is longer than 31 bytes",
    "KeyAlreadyExists(bytes32)": "The account has a P-256 key with this id hash already",
    "KeyDoesNotExist(bytes32)": "The account has no P-256 key with this id hash",
    "KeyNotOnCurve(uint256,uint256)": "The public key is not a point on P-256",
    "InvalidEmptyKey()": "The P-256 key's id is empty",
    "CannotRemoveLastSigner()": "The account's last signer cannot be removed",
    "InputLengthsMismatch(uint256,uint256,uint256)": "Key ids and coordinates differ in number",
    "SignersCannotBeEmpty()": "The account needs at least one signer",
    "InvalidThreshold()": "The threshold is zero or above the number of signers",
    "InvalidSignerAddress()": "A signer is the zero address, the account itself, or has code",
    "NotASigner()": "The address is not a signer of the account",
    "AlreadyASigner()": "The address is a signer of the account already",
    "TooManySigners()": "The account would have more than 30 signers",
    "InsufficientSigners()": "The account would have fewer signers than its threshold",
    "ERC7579DecodingError()": "The batch of executions could not be decoded",
    "SimpleFactoryEmptyContract(address)": "The factory deployed no code at this address",
    "DeployedEmptyContract(address)": "The Deployed enforcer's deployment left no code at this address",
}
OPENZEPPELIN = {
    "ECDSAInvalidSignature()": "A signature recovers to nobody (v must be 27 or 28)",
    "ECDSAInvalidSignatureLength(uint256)": "A signature is not 65 bytes long; its length",
    "ECDSAInvalidSignatureS(bytes32)": "A signature's s is in the upper half of the curve order",
    "OwnableUnauthorizedAccount(address)": "Only the owner may call this, not this account",
    "OwnableInvalidOwner(address)": "This address cannot be the owner",
    "AddressEmptyCode(address)": "There is no code at this address",
    "AddressInsufficientBalance(address)": "The balance of this account is too small",
    "FailedInnerCall()": "An inner call failed without saying why",
    "Create2EmptyBytecode()": "There is no code to deploy",
    "Create2FailedDeployment()": "CREATE2 failed: the constructor reverted, or the address is taken",
    "Create2InsufficientBalance(uint256,uint256)": "Too little balance for the deployment; balance and need",
    "ERC1967InvalidImplementation(address)": "The implementation has no code at this address",
    "ERC1967NonPayable()": "Value was sent with an upgrade that takes none",
    "InvalidInitialization()": "The account is initialised already",
    "NotInitializing()": "This may only run while the account is initialised",
    "InvalidShortString()": "A short string is malformed",
    "StringTooLong(string)": "A string does not fit into 31 bytes",
    "ReentrancyGuardReentrantCall()": "The call re-entered a guarded contract",
    "SafeERC20FailedOperation(address)": "A token operation failed at this token",
}
ENTRY_POINT = {
    "FailedOp(uint256,string)": "The EntryPoint refused a user operation; its index and the reason",
    "FailedOpWithRevert(uint256,string,bytes)": "A user operation's validation reverted; index, reason, data",
    "PostOpReverted(bytes)": "The paymaster's postOp reverted; inner data",
    "SignatureValidationFailed(address)": "The aggregated signature is invalid; the aggregator",
    "SenderAddressResult(address)": "The account's counterfactual address, told by a deliberate revert",
    "DelegateAndRevert(bool,bytes)": "Outcome of a simulated call, told by a deliberate revert",
}
TOKENS = {
    "ERC20InsufficientBalance(address,uint256,uint256)": "Too small a balance; holder, balance, need",
    "ERC20InsufficientAllowance(address,uint256,uint256)": "Too small an allowance; spender, allowance, need",
    "ERC20InvalidSender(address)": "The token cannot be sent from this address",
    "ERC20InvalidReceiver(address)": "The token cannot be sent to this address",
    "ERC20InvalidApprover(address)": "The token cannot be approved by this address",
    "ERC20InvalidSpender(address)": "The token cannot be approved for this address",
    "ERC721NonexistentToken(uint256)": "There is no NFT with this id",
    "ERC721IncorrectOwner(address,uint256,address)": "The NFT has another owner; sender, id, owner",
    "ERC721InsufficientApproval(address,uint256)": "The operator is not approved for the NFT; operator, id",
    "ERC721InvalidReceiver(address)": "The NFT cannot be sent to this address",
    "ERC1155InsufficientBalance(address,uint256,uint256,uint256)": (
        "Too small a balance of the token id; holder, balance, need, id"
    ),
    "ERC1155MissingApprovalForAll(address,address)": "The operator is not approved; operator, owner",
    "ERC1155InvalidReceiver(address)": "The tokens cannot be sent to this address",
}

ERRORS = MANAGER | ACCOUNT | OPENZEPPELIN | ENTRY_POINT | TOKENS
"""Error signature -> what it means, without a full stop; values of the error follow after a colon."""

RAW_ERRORS = {
    # Written in assembly: the selector is not the hash of the name the source's comment gives it.
    bytes.fromhex("ba597e7e"): ("DecodingError()", "The batch of executions could not be decoded"),
}
"""Selectors that no declared error has."""

PANICS = {
    0x00: "a compiler-inserted check failed",
    0x01: "an assertion failed",
    0x11: "a number would overflow or underflow",
    0x12: "division or modulo by zero",
    0x21: "a value is no member of its enum",
    0x22: "a byte array in storage is malformed",
    0x31: "pop on an empty array",
    0x32: "an array index is out of range",
    0x41: "too much memory was asked for",
    0x51: "a function pointer was never set",
}
"""Panic code -> what it means."""
