// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/**
 * @title ITestToken
 * @notice An ERC-20 token FOR TESTS ONLY: anybody can mint any amount to anybody. Never deploy it where tokens are worth something.
 * @dev The ERC-20 functions and events are those of EIP-20, with its optional metadata.
 */
interface ITestToken {
    /**
     * @notice Tokens moved; a mint comes from the zero address.
     * @param from The holder who paid.
     * @param to The holder who received.
     * @param value The amount, in base units.
     */
    event Transfer(address indexed from, address indexed to, uint256 value);

    /**
     * @notice A holder set what a spender may take.
     * @param owner The holder.
     * @param spender Who may spend.
     * @param value The new allowance, in base units.
     */
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// @notice The holder has less than what is to be moved.
    error InsufficientBalance(address holder, uint256 balance, uint256 needed);

    /// @notice The spender may take less than what is to be moved.
    error InsufficientAllowance(address holder, address spender, uint256 allowance, uint256 needed);

    /// @notice The zero address can hold no tokens.
    error InvalidRecipient(address recipient);

    /// @notice The mint would carry the supply past the largest number the token can count to.
    error SupplyOverflow(uint256 supply, uint256 amount);

    /**
     * @notice Creates tokens out of nothing. OPEN TO EVERYONE, which is why this token is for tests only.
     * @param _to Who receives them; not the zero address.
     * @param _amount How many, in base units.
     */
    function mint(address _to, uint256 _amount) external;

    /**
     * @notice Moves the caller's tokens.
     * @param _to Who receives them; not the zero address.
     * @param _amount How many, in base units.
     * @return success_ Always true: what cannot be moved reverts.
     */
    function transfer(address _to, uint256 _amount) external returns (bool success_);

    /**
     * @notice Sets how many of the caller's tokens a spender may take, replacing what was set before.
     * @param _spender Who may spend.
     * @param _amount The allowance, in base units; the largest uint256 is never used up.
     * @return success_ Always true.
     */
    function approve(address _spender, uint256 _amount) external returns (bool success_);

    /**
     * @notice Moves tokens of another holder, within the allowance that holder gave to the caller.
     * @param _from Who pays.
     * @param _to Who receives; not the zero address.
     * @param _amount How many, in base units.
     * @return success_ Always true: what cannot be moved reverts.
     */
    function transferFrom(address _from, address _to, uint256 _amount) external returns (bool success_);

    /// @notice The token's name.
    function name() external view returns (string memory name_);

    /// @notice The token's short name.
    function symbol() external view returns (string memory symbol_);

    /// @notice How many decimal places a whole token has: 10**decimals base units make one.
    function decimals() external view returns (uint8 decimals_);

    /// @notice The sum of all balances, in base units.
    function totalSupply() external view returns (uint256 supply_);

    /// @notice What a holder has, in base units.
    function balanceOf(address _holder) external view returns (uint256 balance_);

    /// @notice What a spender may still take from a holder, in base units.
    function allowance(address _holder, address _spender) external view returns (uint256 allowance_);
}
